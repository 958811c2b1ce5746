#pragma once
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "base/cuda_object.h"
#include "plan/plan.h"
#include "runtime/cuda.h"
#include "runtime/frame.h"
#include "runtime/kernels.h"
#include "runtime/scope.h"

/// Kernels of plans for CUDA: loaded from cubins, put into PyTorch's current stream.
namespace burnish {

/// A loaded cubin. The driver loads it into a device's context where one of its kernels is first used there.
struct GpuModule {
  const cuda::Driver* driver = nullptr;
  cuda::Library library = nullptr;
  cuda::Object object;  ///< without the cubin, which the driver has copied

  GpuModule() = default;
  GpuModule(const GpuModule&) = delete;
  GpuModule& operator=(const GpuModule&) = delete;
  ~GpuModule();
};

struct GpuKernel {
  std::shared_ptr<GpuModule> module;
  cuda::Kernel kernel = nullptr;
  std::string name;
  cuda::KernelFacts facts;
  /// The dynamic shared memory that each device was asked to allow (above 48 KiB it must be asked for).
  static constexpr std::size_t most_devices = 64;
  std::atomic<std::int64_t> allowed_shared[most_devices] = {};
};

Result<std::shared_ptr<GpuModule>> load_gpu_module(const std::filesystem::path& file);
Result<std::shared_ptr<GpuKernel>> find_gpu_kernel(std::shared_ptr<GpuModule> module, const std::string& name);

Result<std::shared_ptr<GpuLaunch>> resolve_gpu_launch(const LaunchStep& step, const LoadedKernel& kernel, Scope& scope);

/// Throws RunFailure: a size above a limit (reason `plan`), a tensor that is not on the GPU (`device`), what the driver
/// refuses (`crash`).
void run_gpu_launch(const LaunchInstruction& launch, const Frame& frame);

}  // namespace burnish
