#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "swarm/judge.h"
#include "swarm/lease.h"
#include "targets/object_cache.h"

namespace burnish {

/// Turns a plan's kernel sources into objects that a worker loads. Called from several threads.
class Builder {
 public:
  virtual ~Builder() = default;
  /// Checks the plan in that folder and compiles its kernels: source file -> object. An Error has the reason that the
  /// candidate earns: "plan", "compile" or "object"; "environment" where there is no compiler or no sandbox.
  virtual Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path& plan) = 0;
};

/// A kernel source of a plan and the kernels that are launched from it.
struct KernelSource {
  std::string name, text;
  std::vector<std::string> kernels;
};

/// The sources of the plan in that folder, read and checked to be of that target.
Result<std::vector<KernelSource>> kernel_sources(const std::filesystem::path& folder, const std::string& target);

/// Builds a candidate that is a plan: fills in its kernels and the seconds that they took.
Status build_candidate(Builder& builder, Candidate& candidate);

/// The builder of the target cpu: the system's compiler in the sandbox, objects cached by content. No
/// compiler starts while the lease is taken.
std::unique_ptr<Builder> cpu_builder(ObjectCache cache, bool sandbox, Lease& lease);

/// The builder of the target cuda: NVRTC in the sandbox, for `architecture` (such as "sm_90a"), or, where that is
/// empty, for the GPU of this machine. The lease does not stop it: compiling uses no GPU.
std::unique_ptr<Builder> cuda_builder(ObjectCache cache, bool sandbox, std::string architecture = {});

/// The builder of the target metal-emulated: clang in the sandbox; its files hold the emulator, too.
std::unique_ptr<Builder> metal_builder(ObjectCache cache, bool sandbox);

/// The builder of a target by its name.
Result<std::unique_ptr<Builder>> make_builder(const std::string& target, ObjectCache cache, bool sandbox, Lease& lease);

}  // namespace burnish
