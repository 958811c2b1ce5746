#pragma once
#include <string>
#include <variant>

#include "swarm/judge.h"

namespace burnish {

/// What happens in a run, as it happens; src/cli draws it.
namespace events {
struct ProblemStarted {
  std::string name;
  int index = 1, of = 1;
};
struct ProblemOpened {
  const Opened& opened;
};
struct Progress {  ///< inside the judge: "verify", 12 of 100
  std::string phase;
  double done = 0, of = 0;
};
struct Proposing {
  std::string agent;
  int number = 1;
};
struct Writing {  ///< a model's answer arrives
  std::string agent;
  std::size_t characters = 0;  ///< so far
};
struct Judging {
  std::string agent, name;
  int number = 1;
  Stage stage = Stage::search;
};
struct Judged {
  std::string agent, name;
  int number = 1;
  Stage stage = Stage::search;
  const Verdict& verdict;
};
struct AgentStopped {  ///< has no more ideas, or failed
  std::string agent, why;
};
struct Note {
  std::string text;
};
struct ProblemFinished {
  std::string name;
  const json& outcome;
};
struct ProblemExcluded {
  std::string name;
  const Error& error;
};
}  // namespace events

using Event = std::variant<events::ProblemStarted, events::ProblemOpened, events::Progress, events::Proposing,
                           events::Writing, events::Judging, events::Judged, events::AgentStopped, events::Note,
                           events::ProblemFinished, events::ProblemExcluded>;

/// Told of every event; of Writing from other threads than of the rest.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on(const Event& event) = 0;
};

}  // namespace burnish
