#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/cuda_object.h"

namespace burnish::cuda {

/// Reads the signatures that entry.h's program left in a cubin. An Error (reason `object`) names a kernel that is not
/// there or has none.
Result<std::map<std::string, KernelFacts>> read_kernels(std::string_view cubin, const std::vector<std::string>& names);

/// Adds what ptxas said of each kernel in NVRTC's log: registers, local memory, static shared memory.
void read_resources(std::string_view log, std::map<std::string, KernelFacts>& kernels);

}  // namespace burnish::cuda
