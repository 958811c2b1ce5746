#include "swarm/strategy.h"

namespace burnish {
namespace {

class Recall : public Strategy {
 public:
  std::string name() const override { return "recall"; }
  bool wants_solved() const override { return true; }
  std::optional<std::size_t> next(const Board& board) const override { return strategy_detail::fewest_attempts(board); }
  std::vector<Example> examples(const Board& board, std::size_t) const override { return board.solved; }
};

}  // namespace

std::unique_ptr<Strategy> recall() {
  return std::make_unique<Recall>();
}

}  // namespace burnish
