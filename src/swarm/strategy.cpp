#include "swarm/strategy.h"

#include <algorithm>
#include <array>

#include "swarm/proposals.h"

namespace burnish {
namespace {

/// Candidates beyond the first go to the final only where the search already called them wins: a final takes many
/// seconds.
constexpr std::size_t most_finalists = 3;

constexpr std::array<StrategyRow, 4> rows = {{
    {"best-of-n", "every agent has the same number of attempts, the best is kept", best_of_n},
    {"share", "in rounds; two thirds of the agents see the best so far of the others", share},
    {"bandit", "a limited number of turns, spent where wins are likely (--turns)", bandit},
    {"recall", "prompts show how the nearest solved problems of the store were made faster", recall},
}};

}  // namespace

std::span<const StrategyRow> strategy_rows() {
  return rows;
}

Result<std::unique_ptr<Strategy>> make_strategy(const std::string& name) {
  std::string known;
  for (const auto& row : rows) {
    if (name == row.name) return row.make();
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  return fail("there is no strategy \"" + name + "\"", "--strategy", known);
}

std::vector<Example> Strategy::examples(const Board&, std::size_t) const {
  return {};
}

std::vector<Turn> Strategy::finalists(const Board& board) const {
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
  std::ranges::stable_sort(entries, std::greater{}, [](const Entry& e) { return e.verdict->interval->first; });
  std::vector<Turn> turns;
  for (const auto& entry : entries) {
    if (turns.size() == most_finalists || (!turns.empty() && !entry.verdict->wins())) break;
    const auto proposal = [&](Turn t) -> const Proposal& { return board.seats[t.seat].history[t.attempt].proposal; };
    // Equal candidates are one finalist, whoever proposed them.
    if (std::ranges::none_of(turns, [&](Turn t) { return same_candidate(proposal(t), proposal(entry.turn)); }))
      turns.push_back(entry.turn);
  }
  return turns;
}

namespace strategy_detail {

bool may_propose(const Board& board, const Seat& seat) {
  return !seat.busy && !seat.done && static_cast<int>(seat.history.size()) < board.attempts;
}

std::optional<std::size_t> fewest_attempts(const Board& board) {
  if (!board.time_left) return {};
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < board.seats.size(); ++i) {
    if (!may_propose(board, board.seats[i])) continue;
    if (!best || board.seats[i].history.size() < board.seats[*best].history.size()) best = i;
  }
  return best;
}

}  // namespace strategy_detail
}  // namespace burnish
