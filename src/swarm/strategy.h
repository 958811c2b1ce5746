#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agents/agent.h"

namespace burnish {

/// An agent at the table: what it did so far.
struct Seat {
  std::string agent;
  std::vector<PastAttempt> history;  ///< finished attempts, in order
  bool busy = false;                 ///< a proposal of its is under way or being judged
  bool done = false;                 ///< has no more ideas, or failed
};

/// How often an agent did well on earlier problems; those of another kind count for less.
struct Tally {
  double good = 0, bad = 0;
};

/// What a strategy sees.
struct Board {
  std::vector<Seat> seats;
  int attempts = 5;                      ///< at most so many an agent
  bool time_left = true;                 ///< false once --seconds have passed
  std::string problem;                   ///< its name
  std::uint64_t seed = 0;                ///< for strategies that draw
  std::optional<int> turns;              ///< at most so many on the problem, of all agents together
  std::map<std::string, Tally> earlier;  ///< by agent; filled where the strategy looks at it
  std::vector<Example> solved;           ///< the nearest solved problems, nearest first; filled likewise
};

/// One attempt on the board.
struct Turn {
  std::size_t seat = 0, attempt = 0;
};

/// Decides which agent tries next, what it is shown, and which candidates are worth the final judgement. Has no state
/// of its own: the board says it all, so a run that was killed goes on as if nothing had happened.
class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;
  /// The seat that should propose next, or nothing: wait for what is under way, or end the search where nothing is.
  virtual std::optional<std::size_t> next(const Board& board) const = 0;
  /// What the seat's next prompt shows beside the problem and its own attempts.
  virtual std::vector<Example> examples(const Board& board, std::size_t seat) const;
  /// Candidates for the final judgement, the most promising first; the best that wins there is the winner.
  virtual std::vector<Turn> finalists(const Board& board) const;
  /// Whether it looks at `earlier`, and at `solved`: both are work to find.
  virtual bool wants_earlier() const { return false; }
  virtual bool wants_solved() const { return false; }
};

/// Every agent has the same number of attempts, in turn; the best of all goes to the final.
std::unique_ptr<Strategy> best_of_n();
/// The same in rounds, and from the second round on agents see the best so far of the others; a third of the agents,
/// drawn by the seed, never do, so that not all follow one idea.
std::unique_ptr<Strategy> share();
/// A limited number of turns goes where wins are likely: Thompson sampling over the agents, from what they did on this
/// problem and on earlier ones.
std::unique_ptr<Strategy> bandit();
/// best-of-n whose prompts show how the nearest solved problems of the store were made faster.
std::unique_ptr<Strategy> recall();

/// One row a strategy: `--strategy` and --help read the table.
struct StrategyRow {
  const char* name;
  const char* help;
  std::unique_ptr<Strategy> (*make)();
};
std::span<const StrategyRow> strategy_rows();
Result<std::unique_ptr<Strategy>> make_strategy(const std::string& name);

namespace strategy_detail {
/// The seat with the fewest attempts of those that may propose.
std::optional<std::size_t> fewest_attempts(const Board& board);
bool may_propose(const Board& board, const Seat& seat);
}  // namespace strategy_detail

}  // namespace burnish
