#include <gmock/gmock.h>

#include <map>

#include "fakes/fake_judge.h"
#include "gtest/gtest.h"
#include "swarm/strategy.h"

namespace burnish {
namespace {

PastAttempt past(int number, Verdict verdict, const std::string& plan = "{}") {
  return {number, {"attempt", Form::plan, {{"plan.json", plan}}, nullptr}, std::move(verdict)};
}

TEST(Strategies, EachIsFoundByTheNameThatItsAttemptsRecord) {
  for (const auto& row : strategy_rows()) EXPECT_EQ((*make_strategy(row.name))->name(), row.name);
  const auto wrong = make_strategy("luck");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(to_text(wrong.error()), ::testing::HasSubstr("bandit"));
}

TEST(Share, ARoundBeginsWhenTheLastOneIsOver) {
  Board board{{{"a", {past(1, refused("values"))}}, {"b", {}, /*busy=*/true}}};
  EXPECT_FALSE(share()->next(board)) << "b has not finished the first round";
  board.seats[1] = {"b", {past(1, refused("values"))}};
  EXPECT_EQ(share()->next(board), 0u);
  board.seats[0].done = true;
  EXPECT_EQ(share()->next(board), 1u);
}

TEST(Share, AgentsSeeTheBestOfEarlierRoundsOfOthersButAThirdNever) {
  Board board;
  for (int i = 0; i < 9; ++i) board.seats.push_back({"agent" + std::to_string(i), {past(1, refused("values"))}});
  board.seats[4].history = {past(1, accepted(1.5, 1.4, 1.6), "good")};
  board.seats[5].history = {past(1, accepted(1.3, 1.2, 1.4), "less")};
  // What came in this very round is not shown: who is asked first would decide.
  board.seats[6].history.push_back(past(2, accepted(9, 8, 10), "later"));
  int shown = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto examples = share()->examples(board, i);
    if (i == 4 || i == 6 || examples.empty()) continue;
    ++shown;
    ASSERT_EQ(examples.size(), 1u);
    EXPECT_EQ(examples[0].id, "agent4:1");
    EXPECT_EQ(examples[0].proposal.files.at("plan.json"), "good");
  }
  EXPECT_GE(shown, 4);
  EXPECT_LE(shown, 6) << "three of nine are independent";
  for (const auto& e : share()->examples(board, 4)) EXPECT_EQ(e.id, "agent5:1") << "never its own";
  for (auto& seat : board.seats) seat.history = {past(1, refused("values"))};
  for (std::size_t i = 0; i < 9; ++i) EXPECT_TRUE(share()->examples(board, i).empty());
}

TEST(Bandit, EndsAfterItsTurnsAndDrawsTheSameFromTheSameBoard) {
  Board board{{{"a", {}}, {"b", {}}, {"c", {}, /*busy=*/true}}, 4};
  const auto first = bandit()->next(board);
  ASSERT_TRUE(first);
  EXPECT_NE(*first, 2u) << "c is busy";
  EXPECT_EQ(bandit()->next(board), first);
  board.turns = 1;
  EXPECT_FALSE(bandit()->next(board)) << "the busy one is the only turn";
  board.turns = {};
  board.time_left = false;
  EXPECT_FALSE(bandit()->next(board));
}

/// Plays a problem to its end, where agent "good" always improves and the others never win.
std::map<std::string, int> play(Board board) {
  std::map<std::string, int> turns;
  double speed = 1.1;
  while (const auto seat = bandit()->next(board)) {
    auto& s = board.seats[*seat];
    ++turns[s.agent];
    speed += 0.1;
    const int number = static_cast<int>(s.history.size()) + 1;
    s.history.push_back(past(number, s.agent == "good" ? accepted(speed, speed - 0.01, speed) : refused("values")));
  }
  return turns;
}

TEST(Bandit, SpendsItsTurnsOnTheAgentThatImproves) {
  int good = 0, others = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Board board{{{"bad", {}}, {"good", {}}, {"poor", {}}, {"weak", {}}}, 20};
    board.seed = seed;
    auto turns = play(board);
    EXPECT_EQ(turns["bad"] + turns["good"] + turns["poor"] + turns["weak"], 40);
    good += turns["good"];
    others += turns["bad"];
  }
  EXPECT_GT(good, 300) << "of 400 at most";
  EXPECT_LT(others, 200);
}

TEST(Bandit, EarlierProblemsCountAndRepeatingAWinEarnsNothing) {
  int with = 0, repeats = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Board board{{{"a", {}}, {"b", {}}}, 4};
    board.seed = seed;
    board.earlier = {{"a", {0, 20}}, {"b", {15, 5}}};
    with += bandit()->next(board) == 1u;
    board.earlier.clear();
    const auto win = accepted(2, 1.9, 2.1);
    board.attempts = 20;
    board.seats[0].history.assign(8, past(1, win));
    repeats += bandit()->next(board) == 0u;
  }
  EXPECT_GT(with, 95);
  EXPECT_LT(repeats, 30) << "one good, seven that improved nothing";
}

TEST(Recall, ShowsWhatTheStoreHasSolved) {
  Board board{{{"a", {}}}};
  EXPECT_TRUE(recall()->wants_solved());
  EXPECT_TRUE(recall()->examples(board, 0).empty());
  board.solved = {{"run p a:1", "a problem like this one", "class Model", {}}};
  EXPECT_EQ(recall()->examples(board, 0).size(), 1u);
}

}  // namespace
}  // namespace burnish
