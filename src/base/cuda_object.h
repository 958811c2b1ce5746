#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

/// A compiled .cu source as a file: one line of JSON about its kernels, then the cubin. The compile step writes it, the
/// runtime and manifests read it.
namespace burnish::cuda {

struct KernelFacts {
  std::string signature;  ///< one letter an argument: p pointer, i int64_t, f float
  int registers = 0;      ///< of a thread
  int spilled_bytes = 0;  ///< of local memory that a thread uses: spilled registers and indexed arrays
  int shared_bytes = 0;   ///< static shared memory of a block
};

struct Object {
  std::string architecture;  ///< "sm_90a"
  std::map<std::string, KernelFacts> kernels;
  std::string cubin;
};

std::string encode(const Object& object);
/// An Error (reason `object`) where the bytes are none.
Result<Object> decode(std::string_view bytes);

}  // namespace burnish::cuda
