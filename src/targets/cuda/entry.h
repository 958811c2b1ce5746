#pragma once
#include <string>
#include <utility>
#include <vector>

namespace burnish::cuda {

/// The program that NVRTC compiles: includes the candidate's source `file` and appends the signature of each kernel as
/// the constant burnish_signature_NAME, one letter an argument: p pointer, i int64_t, f float.
std::string with_signatures(const std::string& file, const std::vector<std::string>& kernels);

/// Headers that NVRTC lacks and kernels include all the same, as {name, text}: cstdint, cmath and the like.
const std::vector<std::pair<std::string, std::string>>& standard_headers();

}  // namespace burnish::cuda
