#include "swarm/strategy.h"

namespace burnish {
namespace {

class BestOfN : public Strategy {
 public:
  std::string name() const override { return "best-of-n"; }
  std::optional<std::size_t> next(const Board& board) const override { return strategy_detail::fewest_attempts(board); }
};

}  // namespace

std::unique_ptr<Strategy> best_of_n() {
  return std::make_unique<BestOfN>();
}

}  // namespace burnish
