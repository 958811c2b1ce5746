#pragma once
#include <memory>

#include "targets/metal/compile.h"
#include "targets/metal/engine/launch.h"

namespace burnish::metal {

/// A compiled source in memory.
class Library {
 public:
  static Result<std::shared_ptr<Library>> open(const Compiled& compiled, bool checked);
  ~Library();
  Library(const Library&) = delete;

  const std::vector<Loaded>& kernels() const { return kernels_; }
  const Loaded* find(const std::string& name) const;
  const Compiled& compiled() const { return compiled_; }

  /// As `launch`, with the finding's line filled in.
  Result<std::optional<Finding>> launch(const Loaded& kernel, const LaunchRequest& request) const;

 private:
  Library() = default;
  Compiled compiled_;
  void* handle_ = nullptr;
  std::uintptr_t base_ = 0;
  std::vector<Loaded> kernels_;
};

}  // namespace burnish::metal
