#pragma once
#include "plan/plan.h"
#include "runtime/frame.h"
#include "runtime/kernels.h"
#include "runtime/scope.h"

namespace burnish {

inline constexpr std::size_t most_kernel_arguments = 64;

/// Checks a launch's arguments against the compiled kernel's signature; on a GPU its sizes, too.
Result<LaunchInstruction> resolve_launch(const LaunchStep& step, const LoadedKernel& kernel, Scope& scope);

/// Runs a kernel over its range, split by at::parallel_for where the range is above the grain; on a GPU puts it into
/// the current stream. Allocates nothing.
void run_launch(const LaunchInstruction& launch, const Frame& frame);

}  // namespace burnish
