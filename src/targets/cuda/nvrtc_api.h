#pragma once
#include <cstddef>

#include "base/cuda_driver.h"

/// The functions of NVRTC that are called, as its API reference declares them.
namespace burnish::cuda {

using NvrtcProgram = Opaque*;

struct NvrtcApi {
  int (*version)(int* major, int* minor) = nullptr;
  int (*count_architectures)(int* count) = nullptr;
  int (*list_architectures)(int* list) = nullptr;
  int (*create)(NvrtcProgram*, const char* source, const char* name, int headers, const char* const* texts,
                const char* const* names) = nullptr;
  int (*compile)(NvrtcProgram, int options, const char* const* list) = nullptr;
  int (*log_size)(NvrtcProgram, std::size_t*) = nullptr;
  int (*log)(NvrtcProgram, char*) = nullptr;
  int (*cubin_size)(NvrtcProgram, std::size_t*) = nullptr;
  int (*cubin)(NvrtcProgram, char*) = nullptr;
  const char* (*error_text)(int) = nullptr;
};

/// Loads the library, and first what it would otherwise seek on the loader's path (libnvrtc-builtins, beside it).
Result<NvrtcApi> load_nvrtc(const std::string& library);

}  // namespace burnish::cuda
