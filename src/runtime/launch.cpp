#include "runtime/launch.h"

#include <ATen/Parallel.h>

#include "runtime/launch_arguments.h"
#include "runtime/launch_cuda.h"
#include "runtime/launch_metal.h"

namespace burnish {

Result<LaunchInstruction> resolve_launch(const LaunchStep& step, const LoadedKernel& kernel, Scope& scope) {
  TRY(args, resolve_arguments(step, kernel.signature, scope));
  LaunchInstruction launch{.entry = kernel.entry};
  launch.args = std::move(args);
  if (kernel.gpu) {
    TRY(gpu, resolve_gpu_launch(step, kernel, scope));
    launch.gpu = std::move(gpu);
    return launch;
  }
  if (kernel.metal) {
    TRY(metal, resolve_metal_launch(step, kernel, scope));
    launch.metal = std::move(metal);
    return launch;
  }
  if (!step.range) return fail("the launch has no range", {}, "a kernel on a CPU runs over a range", "plan");
  TRY(range, flatten(*step.range, scope));
  launch.range = std::move(range);
  TRY(grain, flatten(step.grain.value_or(Expr(1)), scope));
  launch.grain = std::move(grain);
  return launch;
}

void run_launch(const LaunchInstruction& launch, const Frame& frame) {
  if (launch.gpu) return run_gpu_launch(launch, frame);
  if (launch.metal) return run_metal_launch(launch, frame);
  void* args[most_kernel_arguments];
  for (std::size_t i = 0; i < launch.args.size(); ++i) args[i] = pack(launch.args[i], frame);
  const std::int64_t range = evaluate(launch.range, frame),
                     grain = std::max<std::int64_t>(evaluate(launch.grain, frame), 1);
  if (range < 0) throw RunFailure{"a launch's range is negative: " + std::to_string(range), "plan"};
  if (range == 0) return;
  if (range <= grain || range == 1) return launch.entry(0, range, args);
  at::parallel_for(0, range, grain, [&](std::int64_t begin, std::int64_t end) { launch.entry(begin, end, args); });
}

}  // namespace burnish
