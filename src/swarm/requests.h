#pragma once
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "agents/model_agents.h"
#include "store/store.h"

/// Prompts for models that this machine cannot reach, and their answers: nothing is kept but the run itself. A request
/// is what the store says is open; an answer becomes an attempt that waits to be judged.
namespace burnish {

struct Request {
  std::string id;  ///< letters, digits, "-" and "_", at most 64 (what batch services take); the same whenever asked
  std::string agent, strategy;
  std::vector<std::string> shown;  ///< the solved problems that the prompt shows
  ProblemRecord problem;
  int number = 0;  ///< of the attempt
  Model model;
  Prompt prompt;
};

/// The open requests of a run: of each problem that was opened and is not done, one for each agent "batch:NAME" that
/// has attempts left and none waiting to be judged. `scratch` is an empty folder.
Result<std::vector<Request>> open_requests(Store& store, const RunRecord& run, const std::filesystem::path& scratch);

/// The ids under which a run has attempts already: asked of the store once for a folder of thousands of answers.
Result<std::set<std::string>> answered_requests(Store& store, const RunRecord& run);

/// What became of an answer.
enum class Taken { taken, answered_before, unknown };

/// Records an answer under its request's id and puts that among the `answered`. Unreadable answers are attempts, too:
/// the next prompt says what was wrong.
Result<Taken> take_answer(Store& store, const std::vector<Request>& open, std::set<std::string>& answered,
                          const std::string& id, const Reply& reply);

}  // namespace burnish
