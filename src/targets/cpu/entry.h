#pragma once
#include <string>
#include <vector>

namespace burnish::cpu {

/// The translation unit that is compiled: includes the candidate's source `file` and appends an entry and a signature
/// for each kernel. An argument is a pointer (p), a 64-bit integer (i) or a float (f); it arrives as the 8 bytes of one
/// `void*` of the entry's array: the pointer itself, the integer's bits, or the float's bits in the low half.
std::string with_entries(const std::string& file, const std::vector<std::string>& kernels);

}  // namespace burnish::cpu
