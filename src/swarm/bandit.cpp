#include <random>

#include "base/hash.h"
#include "swarm/strategy.h"

namespace burnish {
namespace {

/// An attempt did well where it wins and is better than all that the agent had before: the same winner again earns
/// nothing.
Tally tally_of(const Seat& seat) {
  Tally tally;
  double best = 0;
  for (const auto& past : seat.history) {
    const bool better = past.verdict.wins() && past.verdict.interval->first > best;
    if (better) best = past.verdict.interval->first;
    (better ? tally.good : tally.bad) += 1;
  }
  return tally;
}

/// A draw from Beta(1 + good, 1 + bad), as a ratio of gammas.
double draw(std::mt19937_64& generator, const Tally& tally) {
  const double x = std::gamma_distribution<double>(1 + tally.good)(generator);
  const double y = std::gamma_distribution<double>(1 + tally.bad)(generator);
  return x + y > 0 ? x / (x + y) : 0.5;
}

class Bandit : public Strategy {
 public:
  std::string name() const override { return "bandit"; }
  bool wants_earlier() const override { return true; }

  std::optional<std::size_t> next(const Board& board) const override {
    if (!board.time_left) return {};
    std::size_t taken = 0;
    for (const Seat& seat : board.seats) taken += seat.history.size() + (seat.busy ? 1 : 0);
    // By default half of what best-of-n would take: with all of it there is nothing to choose.
    const auto standard = (board.seats.size() * static_cast<std::size_t>(board.attempts) + 1) / 2;
    if (taken >= (board.turns ? static_cast<std::size_t>(*board.turns) : standard)) return {};
    // Seeded by the state itself: the same board gives the same draw, before and after a kill.
    const auto state = std::to_string(board.seed) + " " + board.problem + " " + std::to_string(taken);
    std::optional<std::size_t> best;
    double highest = -1;
    for (std::size_t i = 0; i < board.seats.size(); ++i) {
      const Seat& seat = board.seats[i];
      Tally tally = tally_of(seat);
      if (const auto before = board.earlier.find(seat.agent); before != board.earlier.end())
        tally = {tally.good + before->second.good, tally.bad + before->second.bad};
      if (!strategy_detail::may_propose(board, seat)) continue;
      std::mt19937_64 generator(std::stoull(hash_hex(state + " " + seat.agent).substr(0, 16), nullptr, 16));
      const double chance = draw(generator, tally);
      if (chance <= highest) continue;
      best = i;
      highest = chance;
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Strategy> bandit() {
  return std::make_unique<Bandit>();
}

}  // namespace burnish
