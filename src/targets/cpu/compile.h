#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "targets/object_cache.h"

/// The compile step of the target cpu: kernel source in, checked shared object in a content-addressed cache out.
namespace burnish::cpu {

struct CompileRequest {
  std::string name = "kernels.cpp";  ///< the source's file name, for messages
  std::string source;
  std::vector<std::string>
      kernels;  ///< functions that get an entry: `extern "C" void NAME(int64_t begin, int64_t end, ...)`
  std::vector<std::string>
      sanitize;  ///< "address", "undefined": for looking at a kernel; such objects need their library preloaded
  ObjectCache cache;
  bool sandbox = true;  ///< false: --no-sandbox
  double timeout_s = 60;
  std::uint64_t memory_bytes = std::uint64_t{3} << 30;
  std::uint64_t object_bytes = 32 << 20;
  std::size_t diagnostics_bytes = 6000;
};

/// Returns the object: NAME, `burnish_entry_NAME` and `burnish_signature_NAME` for each kernel. Blocks; call it from
/// several threads or processes at will (an object appears whole, by rename). Errors: reason `compile` with the
/// compiler's first diagnostics, `object` for what a kernel's object may not hold, `environment` for a missing compiler
/// or sandbox.
///
/// A compiler other than g++ is named by the variable BURNISH_CXX. Its process group, and so the sandbox with it, can
/// be stopped and continued from outside: `started`, where given, is told its id.
Result<std::filesystem::path> compile(const CompileRequest& request,
                                      const std::function<void(int process_group)>& started = {});

/// The command line that compiles here (without file names), for manifests and `burnish doctor`.
Result<std::vector<std::string>> compiler_flags();

}  // namespace burnish::cpu
