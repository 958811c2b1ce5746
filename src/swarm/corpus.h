#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "agents/agent.h"

namespace burnish {

/// A solved problem that no run of the store has: of a folder for `--recall`.
struct Solved {
  std::string name, target, source;  ///< of the problem; the source of its module
  json exported;                     ///< its plan of ATen calls alone, by which problems are compared
  double speedup = 1;                ///< of the solution, when it was judged
  Proposal proposal;                 ///< a plan and its kernels
};

/// Reads a folder with a folder for each solved problem (corpus/README.md says what is in one), by name. Errors name
/// the file.
Result<std::vector<Solved>> read_corpus(const std::filesystem::path& folder);

/// What a run keeps of them in its options, and back.
json to_json(const std::vector<Solved>& corpus);
Result<std::vector<Solved>> corpus_of(const json& kept);

}  // namespace burnish
