#pragma once
#include <optional>
#include <string>
#include <vector>

#include "agents/agent.h"
#include "swarm/corpus.h"
#include "swarm/ledger.h"

namespace burnish {

/// Who searches and how: what a run keeps in its options, so that --resume goes on alike.
struct Choices {
  std::vector<std::string> agents;
  int attempts = 5;
  std::optional<Reference> reference;
  std::string hints_model;  ///< empty: each model makes its own hints
  std::string strategy = "best-of-n";
  std::uint64_t seed = 0;
  std::optional<int> turns;           ///< of all agents together on a problem, for strategies that choose
  std::vector<Solved> recall;         ///< solved problems beside those of the store, for the strategy of that name
  std::vector<std::string> held_out;  ///< globs: problems whose solutions no prompt shows
  std::string rules = "all";          ///< how far the built-in compiler may change results: exact, same, all
  Budget budget;
};

/// The options of a run, and back. Runs of earlier versions lack the newer keys: those have their defaults.
json to_json(const Choices& choices);
Result<Choices> choices_of(const json& options);

/// Whether the budget can hold the agents: fails where one has no known price and is not free.
Status check_budget(const Choices& choices);

}  // namespace burnish
