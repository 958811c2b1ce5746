#pragma once
#include <cstddef>
#include <memory>
#include <optional>
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

/// What a strategy sees.
struct Board {
  std::vector<Seat> seats;
  int attempts = 5;       ///< at most so many an agent
  bool time_left = true;  ///< false once --seconds have passed
};

/// One attempt on the board.
struct Turn {
  std::size_t seat = 0, attempt = 0;
};

/// Decides which agent tries next and which candidates are worth the final judgement. Has no state of its own: the
/// board says it all, so a run that was killed goes on as if nothing had happened.
class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::string name() const = 0;
  /// The seat that should propose next, or nothing: wait for what is under way, or end the search where nothing is.
  virtual std::optional<std::size_t> next(const Board& board) const = 0;
  /// Candidates for the final judgement, the most promising first; the best that wins there is the winner.
  virtual std::vector<Turn> finalists(const Board& board) const = 0;
};

/// Every agent has the same number of attempts, in turn; the best of all goes to the final.
std::unique_ptr<Strategy> best_of_n();

}  // namespace burnish
