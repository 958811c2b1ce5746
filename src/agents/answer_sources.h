#pragma once
#include <map>
#include <string>
#include <vector>

#include "agents/answer_pieces.h"

namespace burnish {

/// Whether a source defines a function of that name.
bool defines(std::string_view source, std::string_view kernel);

/// Gives each piece its place among the files that the plan's kernels need (kernel -> file), others keep the name that
/// they claim. A piece without a name goes where the kernels it defines are needed. Of several pieces for one file the
/// last one that defines all of the file's kernels counts; pieces that define different ones are joined.
std::map<std::string, std::string> place_sources(const std::vector<Piece>& pieces,
                                                 const std::map<std::string, std::string>& needed,
                                                 std::vector<std::string>& remarks);

}  // namespace burnish
