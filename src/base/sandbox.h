#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/process.h"

/// The sandbox: a program that sees nothing but what is named here. Linux: bubblewrap with every namespace unshared, a
/// filter on system calls, resource limits and, where we are root, an unprivileged user of its own. docs/judging.md
/// says what it stops and what not.
namespace burnish {

struct SandboxOptions {
  std::vector<std::string> argv;
  std::vector<std::filesystem::path>
      readable;  ///< seen read-only under the same name, besides /usr and the loader's files
  std::vector<std::pair<std::string, std::string>> env;    ///< all other variables are cleared
  std::vector<std::pair<std::string, std::string>> files;  ///< {absolute name inside, content}: made in the sandbox
  std::string directory = "/tmp";                          ///< working directory inside
  std::vector<std::pair<int, int>> fds;                    ///< {ours, the child's}, as in SpawnOptions
  Limits limits;
  std::uint64_t tmp_bytes = 64 << 20;  ///< size of /tmp, the only place that can be written
  bool gpu = false;  ///< show NVIDIA's devices; the filter then leaves open what its driver needs (sockets, memfd)
  bool proc_and_dev = true;  ///< mount /proc (of its own processes) and /dev (null, zero, random)
};

/// A confined program as something to spawn. `keep` owns descriptors that must stay open until spawn has returned.
struct Confined {
  SpawnOptions spawn;
  std::vector<Fd> keep;
};

/// Fails with reason `environment` where bubblewrap is missing; the message names --no-sandbox.
Result<Confined> confine(const SandboxOptions& options);

/// The same program with the limits alone, for --no-sandbox: files are not made, everything stays visible.
SpawnOptions unconfined(const SandboxOptions& options);

/// Really starts a sandboxed /bin/true; says what is wrong otherwise.
Status try_sandbox();

/// `burnish sandbox [--read PATH]... [--env NAME=VALUE]... [--tmp-bytes N] [--data-bytes N] [--cpu-seconds N]
/// [--processes N] [--gpu 1] [--fd N]... -- PROGRAM ARGS...`: runs the confined program and ends as it ends.
int sandbox_main(int argc, char** argv);

}  // namespace burnish
