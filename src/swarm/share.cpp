#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "swarm/strategy.h"

namespace burnish {
namespace {

class Share : public Strategy {
 public:
  std::string name() const override { return "share"; }

  /// In rounds: what an agent sees does not depend on who happened to be faster, and a run that was killed shows the
  /// same again.
  std::optional<std::size_t> next(const Board& board) const override {
    const auto seat = strategy_detail::fewest_attempts(board);
    if (!seat) return {};
    const auto round = board.seats[*seat].history.size();
    for (const Seat& other : board.seats)
      if (other.busy && other.history.size() < round) return {};
    return seat;
  }

  std::vector<Example> examples(const Board& board, std::size_t seat) const override {
    if (independent(board, seat)) return {};
    const auto round = board.seats[seat].history.size();
    const PastAttempt* best = nullptr;
    const Seat* whose = nullptr;
    for (const Seat& other : board.seats) {
      if (&other == &board.seats[seat]) continue;
      for (std::size_t i = 0; i < std::min(round, other.history.size()); ++i) {
        const auto& verdict = other.history[i].verdict;
        if (!verdict.accepted() || !verdict.interval || other.history[i].proposal.form != Form::plan) continue;
        if (best && verdict.interval->first <= best->verdict.interval->first) continue;
        best = &other.history[i];
        whose = &other;
      }
    }
    if (!best) return {};
    const auto id = fmt::format("{}:{}", whose->agent, best->number);
    return {{id,
             fmt::format("The best so far of the other agents, {:.2f} times the module's speed",
                         best->verdict.speedup.value_or(1)),
             "", best->proposal}};
  }

 private:
  /// The lowest third of the seats by a hash of seed and name: the same whoever else is at the table in whatever order.
  static bool independent(const Board& board, std::size_t seat) {
    const auto rank = [&](const Seat& s) { return hash_hex(std::to_string(board.seed) + " " + s.agent); };
    const auto own = rank(board.seats[seat]);
    const auto below = std::ranges::count_if(board.seats, [&](const Seat& s) { return rank(s) < own; });
    return static_cast<std::size_t>(below) < board.seats.size() / 3;
  }
};

}  // namespace

std::unique_ptr<Strategy> share() {
  return std::make_unique<Share>();
}

}  // namespace burnish
