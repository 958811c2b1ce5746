#include "fakes/fake_judge.h"
#include "gtest/gtest.h"
#include "swarm/strategy.h"

namespace burnish {
namespace {

PastAttempt past(Verdict verdict) {
  return {1, {}, std::move(verdict)};
}

TEST(BestOfN, AgentsTakeTurns) {
  Board board{{{"a", {past(refused("values"))}}, {"b", {}}, {"c", {}, /*busy=*/true}}, 5};
  EXPECT_EQ(best_of_n()->next(board), 1u) << "the one with the fewest attempts";
  board.seats[1].done = true;
  EXPECT_EQ(best_of_n()->next(board), 0u);
  board.attempts = 1;
  EXPECT_FALSE(best_of_n()->next(board)) << "a has had its attempt, b is done, c is busy";
}

TEST(BestOfN, NobodyProposesWhenTheTimeIsOver) {
  Board board{{{"a", {}}}, 5, /*time_left=*/false};
  EXPECT_FALSE(best_of_n()->next(board));
}

TEST(BestOfN, TheFinalIsForTheSafestWinnersFirst) {
  Board board{{{"a", {past(accepted(3.0, 1.1, 9.0)), past(refused("values"))}},
               {"b", {past(accepted(1.5, 1.4, 1.6)), past(accepted(0.5, 0.4, 0.6))}},
               {"c", {past(accepted(1.02, 0.99, 1.05))}}},
              5};
  const auto turns = best_of_n()->finalists(board);
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].seat, 1u) << "1.4 is surer than 1.1, whatever the point estimates say";
  EXPECT_EQ(turns[1].seat, 0u);
}

TEST(BestOfN, OneThatMayBeFasterGoesToTheFinalWhereNoneIsSurer) {
  Board board{{{"a", {past(accepted(1.02, 0.99, 1.05)), past(accepted(1.01, 0.98, 1.05))}}}, 5};
  EXPECT_EQ(best_of_n()->finalists(board).size(), 1u);
  board = {{{"a", {past(accepted(0.8, 0.7, 0.9)), past(refused("nan"))}}}, 5};
  EXPECT_TRUE(best_of_n()->finalists(board).empty());
}

}  // namespace
}  // namespace burnish
