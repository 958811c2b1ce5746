#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "runtime/instructions.h"

namespace burnish {

struct GpuModule;    // launch_cuda.h
struct MetalEngine;  // launch_metal.h
struct MetalKernel;

/// A compiled kernel: its entry and its signature (docs/architecture.md, "Candidates' code").
struct LoadedKernel {
  KernelEntry entry = nullptr;                   ///< on a CPU
  std::shared_ptr<GpuKernel> gpu;                ///< on a GPU
  std::string signature;                         ///< one letter an argument: p, i or f
  std::shared_ptr<void> library;                 ///< keeps the code loaded
  std::shared_ptr<MetalKernel> metal = nullptr;  ///< on the emulator of Metal
};

/// Loads kernels from compiled objects, each object once: shared objects that have passed the compile step's check, or
/// cubins (base/cuda_object.h).
class KernelLoader {
 public:
  /// `files`: source file name of the plan -> compiled object. Sources that are not listed are sought as
  /// `folder`/kernels/NAME.so (.cubin on CUDA), where a deployed folder keeps them.
  KernelLoader(std::filesystem::path folder, std::map<std::string, std::string> files, bool cuda = false);
  Result<LoadedKernel> load(const std::string& name, const std::string& source);

 private:
  Result<std::shared_ptr<void>> open(const std::filesystem::path& file);
  Result<LoadedKernel> load_metal(const std::string& name, const std::string& source,
                                  const std::filesystem::path& file);

  std::filesystem::path folder_;
  std::map<std::string, std::string> files_;
  bool cuda_;
  std::map<std::string, std::shared_ptr<void>> open_;
  std::map<std::string, std::shared_ptr<GpuModule>> modules_;
  std::shared_ptr<MetalEngine> metal_;
};

}  // namespace burnish
