#pragma once
#include <memory>
#include <string>
#include <vector>

#include "agents/context.h"
#include "cli/session.h"
#include "swarm/builder.h"
#include "swarm/choices.h"
#include "swarm/deploy.h"
#include "swarm/supervisor.h"

namespace burnish {

/// Everything that optimize, suite, eval and verify need to put candidates before a judge.
struct Workshop {
  std::unique_ptr<Store> store;
  Scratch scratch;
  JudgeOptions judging;
  std::unique_ptr<Lease> lease;
  std::unique_ptr<Builder> builder;
  std::unique_ptr<Watcher> watcher;
  std::unique_ptr<Strategy> strategy;

  static Result<Workshop> open(const CommonFlags& flags, const JudgeOptions& judging,
                               const std::string& strategy = "best-of-n");
  /// A judge for one problem. `fd` is the calling process's, -1 to start one.
  Result<std::unique_ptr<Judge>> judge(const std::string& run, const std::string& problem, int fd = -1);
  Swarm swarm(Judge& judge);
};

/// What optimize and suite share beside the judging flags.
struct SearchFlags {
  std::vector<std::string> agents;
  int attempts = 5;
  double seconds = 0;  ///< 0: no limit
  int jobs = 0;        ///< 0: as many as processors
  std::string resume, record, replay, reference;
  std::vector<std::string> contexts, held_out;
  std::string strategy = "best-of-n";
  std::uint64_t seed = 0;
  int turns = 0;  ///< 0: the strategy's own number

  /// What belongs to the run. Fails on what no agent could work with, before anything is judged.
  Result<Choices> choices() const;
  SearchOptions read(const JudgeOptions& judging, const Choices& choices) const;
  Asking asking(const Choices& choices) const { return {record, replay, choices.reference}; }
};
void add_search_flags(CLI::App& command, SearchFlags& flags);

/// A run of the store that --resume names, checked to be of that command.
Result<RunRecord> resume_run(Store& store, const std::string& id, const std::string& command);

}  // namespace burnish
