#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/workshop.h"

namespace burnish {

/// What a file for `burnish experiment` says (docs/experiments.md). Paths in it are relative to its folder.
struct Experiment {
  std::string name;
  std::vector<std::string> problems;
  std::string match;  ///< a glob for their names
  std::vector<std::uint64_t> seeds = {0};
  bool measure_aa = false;
  SearchFlags search;  ///< agents: the built-in ones and the models, asked in the contexts
  JudgeFlags judge;
};

/// Errors name the file and the line: a syntax error, an unknown key, a value of the wrong type.
Result<Experiment> read_experiment(const std::filesystem::path& file);

}  // namespace burnish
