#pragma once
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "swarm/builder.h"
#include "swarm/judge.h"
#include "swarm/lease.h"
#include "swarm/memory.h"
#include "swarm/scratch.h"
#include "swarm/strategy.h"
#include "swarm/watcher.h"

namespace burnish {

/// All that a search works with. Nothing is owned.
struct Swarm {
  Store& store;
  Judge& judge;
  Builder& builder;
  Lease& lease;
  Watcher& watcher;
  const Strategy& strategy;
  const Scratch& scratch;
};

struct SearchOptions {
  int attempts = 5;               ///< at most so many an agent
  std::optional<double> seconds;  ///< the search ends after so long; the final judgement follows all the same
  int jobs = 2;                   ///< proposals under way on this machine at once, and compilations
  int calls = 64;                 ///< proposals under way elsewhere at once
  std::uint64_t seed = 0;         ///< of strategies that draw
  std::optional<int> turns;       ///< at most so many attempts on a problem, for strategies that choose
  bool dry_run = false;           ///< ask each agent for its first proposal, judge and record nothing
  HeldOut held_out;               ///< whose solutions no prompt may show
  std::vector<Solved> recall;     ///< solved problems beside those of the store
  bool measure_aa = false;        ///< judge the original against itself, too
  json judging;                   ///< the judging flags, for the agents
};

/// `reason` of the Error of an asker that only shows what it would send.
inline constexpr const char* dry_run_reason = "dry-run";

/// What a search came to. `summary` is what `burnish optimize --json` prints, without "dir".
struct Outcome {
  json summary;
  std::optional<AttemptRecord> winner;  ///< nothing: the original stays
  Verdict verdict;                      ///< the winner's final verdict
};

/// Searches one problem: opens it, lets the agents propose in the strategy's order, judges, and judges the best again
/// in the form that is deployed. Attempts that the store has verdicts for are not repeated, those that it has only
/// proposals for are judged first. Records the outcome (or the exclusion) in the store. An Error is the problem's
/// reason for being excluded, or `interrupted_reason`, or a store that fails ("environment").
Result<Outcome> optimize_problem(Swarm swarm, const ProblemRecord& problem, const ProblemSpec& spec,
                                 std::vector<std::unique_ptr<Agent>> agents, const SearchOptions& options);

/// The outcome of a problem that the store has as done.
Result<Outcome> stored_outcome(Store& store, const ProblemRecord& problem);

}  // namespace burnish
