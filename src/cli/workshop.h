#pragma once
#include <memory>
#include <string>
#include <vector>

#include "agents/context.h"
#include "cli/session.h"
#include "swarm/builder.h"
#include "swarm/choices.h"
#include "swarm/deploy.h"
#include "swarm/ledger.h"
#include "swarm/supervisor.h"

namespace burnish {

/// What optimize and suite share beside the judging flags.
struct SearchFlags {
  std::vector<std::string> agents;
  int attempts = 5;
  double seconds = 0;  ///< 0: no limit
  int jobs = 0;        ///< 0: as many as processors
  int calls = SearchOptions{}.calls;
  std::string resume, record, replay, reference, recall;
  std::vector<std::string> contexts, held_out;
  std::string strategy = "best-of-n", hints_model, rules = "all";
  std::uint64_t seed = 0;
  int turns = 0;  ///< 0: the strategy's own number
  std::optional<double> budget_usd;
  std::optional<std::int64_t> budget_tokens;
  bool dry_run = false;
  std::string prompts;

  /// What belongs to the run. Fails on what no agent could work with, before anything is judged.
  Result<Choices> choices() const;
  /// The choices of a run that goes on: a budget that is named again replaces the run's, and
  /// what the last one stopped is open again.
  Result<Choices> resumed(Store& store, const RunRecord& run) const;
  SearchOptions read(const JudgeOptions& judging, const Choices& choices) const;
};
/// Everything that optimize, suite, eval and verify need to put candidates before a judge.
struct Workshop {
  std::unique_ptr<Store> store;
  Scratch scratch;
  JudgeOptions judging;
  std::unique_ptr<Lease> lease;
  std::unique_ptr<Builder> builder;
  std::unique_ptr<Watcher> watcher;
  std::unique_ptr<Strategy> strategy;
  std::shared_ptr<HttpLoop> http;
  std::unique_ptr<Ledger> ledger;  ///< of the run that is going on

  static Result<Workshop> open(const CommonFlags& flags, const JudgeOptions& judging,
                               const std::string& strategy = "best-of-n");
  /// A judge for one problem. `fd` is the calling process's, -1 to start one.
  Result<std::unique_ptr<Judge>> judge(const std::string& run, const std::string& problem, int fd = -1);
  Swarm swarm(Judge& judge);
  /// The agents for one problem of a run, their calls recorded and held to the budget, or only shown.
  Result<std::vector<std::unique_ptr<Agent>>> agents(const SearchFlags& flags, const Choices& choices,
                                                     const ProblemRecord& problem);
};

void add_search_flags(CLI::App& command, SearchFlags& flags);

/// A run of the store that --resume names, checked to be of that command.
Result<RunRecord> resume_run(Store& store, const std::string& id, const std::string& command);

}  // namespace burnish
