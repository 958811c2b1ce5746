#include <algorithm>

#include "swarm/strategy.h"

namespace burnish {
namespace {

/// Candidates beyond the first go to the final only where the search already called them wins: a final takes many
/// seconds.
constexpr std::size_t most_finalists = 3;

class BestOfN : public Strategy {
 public:
  std::string name() const override { return "best-of-n"; }

  std::optional<std::size_t> next(const Board& board) const override {
    if (!board.time_left) return {};
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < board.seats.size(); ++i) {
      const Seat& seat = board.seats[i];
      if (seat.busy || seat.done || static_cast<int>(seat.history.size()) >= board.attempts) continue;
      if (!best || seat.history.size() < board.seats[*best].history.size()) best = i;
    }
    return best;
  }

  std::vector<Turn> finalists(const Board& board) const override {
    struct Entry {
      Turn turn;
      const Verdict* verdict;
    };
    std::vector<Entry> entries;
    for (std::size_t s = 0; s < board.seats.size(); ++s) {
      for (std::size_t a = 0; a < board.seats[s].history.size(); ++a) {
        const Verdict& verdict = board.seats[s].history[a].verdict;
        // What cannot be faster is not worth a final; a quick timing that is only unsure is.
        if (verdict.accepted() && verdict.interval && verdict.interval->second > 1.0)
          entries.push_back({{s, a}, &verdict});
      }
    }
    // By the lower bound: the largest of many noisy points is the luckiest, not the best. Ties keep the earlier one.
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.verdict->interval->first > b.verdict->interval->first;
    });
    std::vector<Turn> turns;
    for (const auto& entry : entries) {
      if (turns.size() == most_finalists || (!turns.empty() && !entry.verdict->wins())) break;
      turns.push_back(entry.turn);
    }
    return turns;
  }
};

}  // namespace

std::unique_ptr<Strategy> best_of_n() {
  return std::make_unique<BestOfN>();
}

}  // namespace burnish
