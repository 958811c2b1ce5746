#pragma once
#include <string>

#include "store/store.h"

namespace burnish {

/// Whether a problem's recorded outcome has that flag.
bool flagged(const json& outcome, const char* key);
/// Its output hardly depends on its inputs: counted, and left out of averages.
bool is_trivial(const json& outcome);

/// One problem of a run with its attempts and their verdicts: what `burnish show` and the pages print.
struct ProblemView {
  ProblemRecord problem;
  std::vector<AttemptRecord> attempts;
  std::vector<EvaluationRecord> evaluations;

  const EvaluationRecord* evaluation(std::int64_t attempt, const std::string& stage) const;
  /// The agent's best accepted verdict: of the final where one was made, else of the search.
  const EvaluationRecord* best_of(const std::string& agent) const;
};
Result<std::vector<ProblemView>> view_run(Store& store, const std::string& run);

/// A run as the store has it.
struct RunView {
  RunRecord run;
  std::vector<ProblemView> views;
};
Result<RunView> whole_run(Store& store, const std::string& run);

/// The problems of runs that are parts of one table, the newest run first. A problem that several of them hold stands
/// once: as the newest run that finished it has it, else as the newest has it.
std::vector<ProblemView> one_table(const std::vector<RunView>& runs);

/// The figures of these problems as `burnish suite --json` prints them (docs/cli.md): counts, geometric means and
/// medians floored at 1 with 95% bootstrap intervals over problems, the same unfloored, by agent and by level, what was
/// excluded and why, and the A/A figure. Trivial problems count as correct and faster and are left out of the averages.
json aggregate(const std::vector<ProblemView>& views);

}  // namespace burnish
