#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agents/fences.h"

/// File names as answers write them: in info strings, headings, comments, tags.
namespace burnish {

bool is_source_name(std::string_view name);

/// A source's name that can stand beside the plan: no folders, no dot or dash at its beginning.
bool is_plain_source_name(std::string_view name);

/// The words of a line that look like a plan's, a source's or a Python file's name, in order, folders included.
std::vector<std::string> file_names_in(std::string_view line);

/// The name in a line that holds little else: "### kernels.cpp", "// === k.cpp ===", "File: `k.cpp`:". Empty: prose.
std::string title_of(std::string_view line);

/// The names that a block may have, the most telling first: its info string, a comment on its first line, the lines
/// before it.
std::vector<std::string> claimed_names(const FencedBlock& block);

}  // namespace burnish
