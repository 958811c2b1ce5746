#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "report/aggregate.h"

namespace burnish {

/// An agent's name taken apart: "claude-opus-4@reference".
struct AgentParts {
  std::string model, context;  ///< a built-in agent is a model of its own, with no context
  bool built_in = false;
};
using Describe = std::function<AgentParts(const std::string& agent)>;

/// What one agent did on one problem, of one run.
struct Cell {
  std::string agent;
  AgentParts parts;
  std::vector<int> accepted;  ///< numbers of the attempts that were right
  int attempts = 0;
  bool faster = false;   ///< one was, beyond doubt
  double unfloored = 0;  ///< the best right one's speedup; 0: none was right
  double speedup = 1;    ///< what it delivers: 1 where nothing is faster beyond doubt
  bool correct() const { return !accepted.empty(); }
};

/// One problem of one run.
struct Trial {
  std::string problem, level, winner;  ///< winner: an agent, or "original"
  double speedup = 1;                  ///< what the swarm delivers
  bool averaged = true;                ///< false: trivial, so left out of averages of speed
  std::vector<Cell> cells;
};

/// Runs of one experiment, put together: the same problem in several runs (seeds) is several trials of one problem.
struct Study {
  std::vector<Trial> trials;                  ///< finished problems
  std::vector<std::string> levels, agents;    ///< in order of appearance; levels sorted
  std::vector<std::string> models, contexts;  ///< of language models first, then built-ins; contexts of models only
  std::map<std::string, AgentParts> parts;    ///< by agent
  std::map<std::string, std::string> trivial, saturated, excluded;  ///< problem -> level, or the reason
  std::vector<std::string> open;
  std::map<std::string, CallSum> calls;  ///< by agent
  struct Worth {
    int attempts = 0, accepted = 0, wins = 0;
  };
  std::map<std::string, Worth> strategies;
};

Result<Study> study_of(Store& store, const std::vector<RunView>& runs, const Describe& describe);

}  // namespace burnish
