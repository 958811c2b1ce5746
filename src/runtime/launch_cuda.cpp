#include "runtime/launch_cuda.h"

#include <c10/core/DeviceGuard.h>

#include "base/files.h"
#include "plan/launch_limits.h"
#include "runtime/launch.h"
#include "runtime/launch_arguments.h"

namespace burnish {
namespace {

constexpr std::int64_t shared_without_asking = 48 << 10;

std::array<std::optional<std::int64_t>, 3> evaluate_sizes(const std::vector<FlatExpr>& exprs, const Frame& frame,
                                                          const char* what) {
  std::array<std::optional<std::int64_t>, 3> sizes;
  for (std::size_t i = 0; i < exprs.size(); ++i) {
    sizes[i] = evaluate(exprs[i], frame);
    if (*sizes[i] < 0) throw RunFailure{std::string(what) + " is negative: " + std::to_string(*sizes[i]), "plan"};
  }
  return sizes;
}

/// The GPU that the launch's tensors are on; all must be on the same one.
c10::DeviceIndex device_of(const LaunchInstruction& launch, const Frame& frame) {
  c10::DeviceIndex device = -1;
  for (std::size_t i = 0; i < launch.args.size(); ++i) {
    const auto& arg = launch.args[i];
    if (arg.letter != 'p' || arg.tensor.is_none()) continue;
    const at::Tensor& tensor = frame.at(arg.tensor);
    if (!tensor.defined()) continue;
    const auto where = tensor.device();
    if (!where.is_cuda() || (device >= 0 && where.index() != device))
      throw RunFailure{"argument " + std::to_string(i) + " of " + launch.gpu->kernel->name + " is on " + where.str() +
                           (device >= 0 ? ", others are on cuda:" + std::to_string(device) : ", not on a GPU"),
                       "device"};
    device = where.index();
  }
  return device >= 0 ? device : current_cuda_device();
}

/// Shared memory above 48 KiB must be asked for, once a kernel and device.
void allow_shared(GpuKernel& kernel, std::int64_t bytes, c10::DeviceIndex device) {
  const cuda::Driver& driver = *kernel.module->driver;
  const auto slot = static_cast<std::size_t>(device) % GpuKernel::most_devices;
  if (bytes <= kernel.allowed_shared[slot].load(std::memory_order_relaxed)) return;
  const std::int64_t most = cuda_attribute(cuda::DeviceAttribute::shared_per_block_at_most, device);
  if (bytes + kernel.facts.shared_bytes > most)
    throw RunFailure{kernel.name + " asks for " + std::to_string(bytes) + " bytes of dynamic and " +
                         std::to_string(kernel.facts.shared_bytes) + " of static shared memory, the GPU has " +
                         std::to_string(most) + " a block",
                     "plan"};
  if (bytes + kernel.facts.shared_bytes > shared_without_asking) {
    cuda::DeviceNumber number = 0;
    driver.cuDeviceGet(&number, device);
    const auto code = driver.cuKernelSetAttribute(cuda::KernelAttribute::dynamic_shared_at_most,
                                                  static_cast<int>(bytes), kernel.kernel, number);
    if (code != cuda::success) {
      const Error error = cuda::driver_error(driver, code, {});
      throw RunFailure{"shared memory for " + kernel.name + ": " + error.what, error.reason};
    }
  }
  kernel.allowed_shared[slot].store(bytes, std::memory_order_relaxed);
}

/// What the driver says of a launch that it refuses, with the kernel's own limit where that is the cause.
RunFailure launch_refusal(GpuKernel& kernel, cuda::Code code, const cuda::LaunchConfig& config,
                          c10::DeviceIndex device) {
  const cuda::Driver& driver = *kernel.module->driver;
  cuda::DeviceNumber number = 0;
  int most = 0;
  driver.cuDeviceGet(&number, device);
  const std::int64_t threads = std::int64_t{config.block[0]} * config.block[1] * config.block[2];
  if (driver.cuKernelGetAttribute(&most, cuda::KernelAttribute::threads_at_most, kernel.kernel, number) ==
          cuda::success &&
      threads > most)
    return {kernel.name + " is launched with " + std::to_string(threads) + " threads a block; with its " +
                std::to_string(kernel.facts.registers) + " registers a thread it can have " + std::to_string(most),
            "plan"};
  const Error error = cuda::driver_error(driver, code, {});
  return {"launching " + kernel.name + ": " + error.what, error.reason};
}

}  // namespace

GpuModule::~GpuModule() {
  if (library) driver->cuLibraryUnload(library);
}

Result<std::shared_ptr<GpuModule>> load_gpu_module(const std::filesystem::path& file) {
  TRY(bytes, read_file(file, std::uint64_t{1} << 30));
  auto object = cuda::decode(bytes);
  if (!object) return inside(file.string(), object.error());
  TRY(driver, cuda::driver());
  auto module = std::make_shared<GpuModule>();
  module->driver = driver;
  const auto code =
      driver->cuLibraryLoadData(&module->library, object->cubin.data(), nullptr, nullptr, 0, nullptr, nullptr, 0);
  if (code != cuda::success) {
    module->library = nullptr;
    return inside(file.string(), cuda::driver_error(*driver, code, "compiled for " + object->architecture));
  }
  module->object = std::move(*object);
  module->object.cubin.clear();
  return module;
}

Result<std::shared_ptr<GpuKernel>> find_gpu_kernel(std::shared_ptr<GpuModule> module, const std::string& name) {
  const auto facts = module->object.kernels.find(name);
  auto kernel = std::make_shared<GpuKernel>();
  if (facts == module->object.kernels.end() ||
      module->driver->cuLibraryGetKernel(&kernel->kernel, module->library, name.c_str()) != cuda::success)
    return fail("the compiled object has no kernel " + name, {}, "compile the plan's sources again", "object");
  kernel->name = name;
  kernel->facts = facts->second;
  kernel->module = std::move(module);
  return kernel;
}

Result<std::shared_ptr<GpuLaunch>> resolve_gpu_launch(const LaunchStep& step, const LoadedKernel& kernel,
                                                      Scope& scope) {
  auto launch = std::make_shared<GpuLaunch>();
  launch->kernel = kernel.gpu;
  launch->cooperative = step.cooperative;
  if (!step.grid || !step.block)
    return fail("the launch has no grid and no block", {}, "a kernel on a GPU has both", "plan");
  const auto flatten_sizes = [&](const std::array<Expr, 3>& from, std::vector<FlatExpr>& to) -> Status {
    for (const Expr& expr : from) {
      TRY(flat, flatten(expr, scope));
      to.push_back(std::move(flat));
    }
    return {};
  };
  if (auto ok = flatten_sizes(*step.grid, launch->grid); !ok) return inside("grid", ok.error());
  if (auto ok = flatten_sizes(*step.block, launch->block); !ok) return inside("block", ok.error());
  if (step.cluster)
    if (auto ok = flatten_sizes(*step.cluster, launch->cluster); !ok) return inside("cluster", ok.error());
  if (step.shared_bytes) {
    TRY(flat, flatten(*step.shared_bytes, scope));
    launch->shared_bytes = std::move(flat);
  }
  return launch;
}

void run_gpu_launch(const LaunchInstruction& launch, const Frame& frame) {
  const GpuLaunch& gpu = *launch.gpu;
  GpuKernel& kernel = *gpu.kernel;
  const LaunchSizes sizes{evaluate_sizes(gpu.grid, frame, "a size of the grid"),
                          evaluate_sizes(gpu.block, frame, "a size of the block"),
                          evaluate_sizes(gpu.cluster, frame, "a size of the cluster"),
                          gpu.shared_bytes ? evaluate(*gpu.shared_bytes, frame) : 0};
  if (const auto ok = check_launch(sizes); !ok) throw RunFailure{to_text(ok.error()), "plan"};
  if (*sizes.shared_bytes < 0) throw RunFailure{"the shared memory of a launch is negative", "plan"};
  cuda::LaunchConfig config{};
  for (std::size_t i = 0; i < 3; ++i) {
    config.grid[i] = static_cast<unsigned>(*sizes.grid[i]);
    config.block[i] = static_cast<unsigned>(*sizes.block[i]);
    if (config.block[i] == 0) throw RunFailure{"a size of the block is 0", "plan"};
    if (config.grid[i] == 0) return;
  }
  const auto device = device_of(launch, frame);
  const c10::DeviceGuard on(c10::Device(c10::DeviceType::CUDA, device));
  config.shared_bytes = static_cast<unsigned>(*sizes.shared_bytes);
  allow_shared(kernel, *sizes.shared_bytes, device);
  config.stream = current_cuda_stream(device);

  cuda::LaunchAttribute attributes[2] = {};
  if (!gpu.cluster.empty()) {
    auto& attribute = attributes[config.count++];
    attribute.id = cuda::LaunchAttribute::cluster;
    const auto at = [&](std::size_t i) { return static_cast<unsigned>(std::max<std::int64_t>(1, *sizes.cluster[i])); };
    attribute.value.cluster = {at(0), at(1), at(2)};
    if (at(0) * at(1) * at(2) > 8) {  // more than every GPU is sure to have
      cuda::DeviceNumber number = 0;
      kernel.module->driver->cuDeviceGet(&number, device);
      kernel.module->driver->cuKernelSetAttribute(cuda::KernelAttribute::any_cluster_size, 1, kernel.kernel, number);
    }
  }
  if (gpu.cooperative) {
    auto& attribute = attributes[config.count++];
    attribute.id = cuda::LaunchAttribute::cooperative;
    attribute.value.cooperative = 1;
  }
  config.attributes = config.count ? attributes : nullptr;

  void* words[most_kernel_arguments];
  void* pointers[most_kernel_arguments];
  for (std::size_t i = 0; i < launch.args.size(); ++i) {
    words[i] = pack(launch.args[i], frame);
    pointers[i] = &words[i];
  }
  const auto code = kernel.module->driver->cuLaunchKernelEx(&config, kernel.kernel, pointers, nullptr);
  if (code != cuda::success) throw launch_refusal(kernel, code, config, device);
}

}  // namespace burnish
