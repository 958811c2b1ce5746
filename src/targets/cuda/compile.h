#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/cuda_object.h"
#include "targets/cuda/nvrtc.h"
#include "targets/object_cache.h"

/// The compile step of the target cuda: a .cu source in, a checked object (base/cuda_object.h) in a content-addressed
/// cache out. Needs NVRTC, but neither GPU nor driver.
namespace burnish::cuda {

struct CompileRequest {
  std::string name = "kernels.cu";  ///< the source's file name, for messages
  std::string source;
  std::vector<std::string> kernels;  ///< functions that are launched: `extern "C" __global__ void NAME(...)`
  std::string architecture = "sm_90a";
  ObjectCache cache;
  std::filesystem::path program;  ///< that has the command `nvrtc`; empty: this executable
  bool sandbox = true;            ///< false: --no-sandbox
  double timeout_s = 60;
  std::uint64_t memory_bytes = std::uint64_t{4} << 30;  ///< 0: no limit
  std::uint64_t object_bytes = 32 << 20;
  std::size_t diagnostics_bytes = 6000;
};

/// Returns the object's file. Blocks; call it from several threads or processes at will (an object appears whole, by
/// rename). The cache's key: source, kernels, options, architecture, NVRTC's version and headers. Errors: reason
/// `compile` with the compiler's first diagnostics, `object` for a kernel that is not there, `environment` for a
/// missing NVRTC or sandbox, or an architecture that NVRTC does not know.
Result<std::filesystem::path> compile(const CompileRequest& request,
                                      const std::function<void(int process_group)>& started = {});

/// Reads an object that compile() made.
Result<Object> read_object(const std::filesystem::path& file);

}  // namespace burnish::cuda
