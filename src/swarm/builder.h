#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "swarm/lease.h"

namespace burnish {

/// Turns a plan's kernel sources into objects that a worker loads. Called from several threads.
class Builder {
 public:
  virtual ~Builder() = default;
  /// Checks the plan in that folder and compiles its kernels: source file -> object. An Error has the reason that the
  /// candidate earns: "plan", "compile" or "object"; "environment" where there is no compiler or no sandbox.
  virtual Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path& plan) = 0;
};

/// The builder of the target cpu: the system's compiler in the sandbox, objects cached by content in that folder. No
/// compiler starts while the lease is taken.
std::unique_ptr<Builder> cpu_builder(std::filesystem::path cache, bool sandbox, Lease& lease);

}  // namespace burnish
