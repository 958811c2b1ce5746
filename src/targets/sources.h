#pragma once
#include <string>
#include <vector>

#include "base/error.h"

/// What the compile steps of several targets ask of a candidate's source, and show of a compiler's messages.
namespace burnish {

/// Kernels' names become parts of our own text: each must be a C identifier.
Status check_kernel_names(const std::vector<std::string>& kernels);

/// A source's name as a compiler's message will show it; the caller says whether it may hold folders.
Status check_source_name(const std::string& name, bool folders);

/// At most about `most` bytes, cut at the end of a line where one is near, with what was left out said.
std::string cut_text(const std::string& text, std::size_t most);

}  // namespace burnish
