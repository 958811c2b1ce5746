#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "runtime/instructions.h"

namespace burnish {

/// A compiled kernel: its entry and its signature (docs/architecture.md, "Candidates' code").
struct LoadedKernel {
  KernelEntry entry = nullptr;
  std::string signature;          ///< one letter an argument: p, i or f
  std::shared_ptr<void> library;  ///< keeps the code loaded
};

/// Loads kernels from shared objects, each object once. The objects must have passed the compile step's check.
class KernelLoader {
 public:
  /// `files`: source file name of the plan -> shared object. Sources that are not listed are sought as
  /// `folder`/kernels/NAME.so, where a deployed folder keeps them.
  KernelLoader(std::filesystem::path folder, std::map<std::string, std::string> files);
  Result<LoadedKernel> load(const std::string& name, const std::string& source);

 private:
  Result<std::shared_ptr<void>> open(const std::filesystem::path& file);

  std::filesystem::path folder_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::shared_ptr<void>> open_;
};

}  // namespace burnish
