#include "swarm/supervisor.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/paths.h"
#include "fakes/fake_judge.h"
#include "gtest/gtest.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class Supervisor : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::make_unique<TemporaryFolder>(*TemporaryFolder::make("burnish-test"));
    store_ = *Store::open(folder_->path());
    run_ = *store_->create_run("optimize", json::object(), json::object());
    problem_ = *store_->add_problem(run_.id, "p", "other", json::object());
    options_.judging = {{"target", "cpu"}};
  }

  template <class... Agents>
  Result<Outcome> search(Agents... agents) {
    std::vector<std::unique_ptr<Agent>> all;
    (all.push_back(std::make_unique<FakeAgent>(std::move(agents))), ...);
    const auto problem = (*store_->problems(run_.id)).front();
    return optimize_problem({*store_, judge_, builder_, lease_, watcher_, *strategy_, scratch_}, problem, {},
                            std::move(all), options_);
  }

  std::unique_ptr<TemporaryFolder> folder_;
  std::unique_ptr<Store> store_;
  RunRecord run_;
  ProblemRecord problem_;
  FakeJudge judge_;
  FakeBuilder builder_;
  Lease lease_;
  FakeWatcher watcher_;
  std::unique_ptr<Strategy> strategy_ = best_of_n();
  Scratch scratch_ = *Scratch::make();
  SearchOptions options_;
};

TEST_F(Supervisor, KeepsTheOriginalWhenNothingBeatsIt) {
  judge_.verdicts = {{"a/slow", accepted(0.8, 0.7, 0.9)}, {"a/wrong", refused("values")}};
  const auto outcome = search(FakeAgent("a", {"slow", "wrong"}));
  ASSERT_TRUE(outcome) << to_text(outcome.error());
  EXPECT_FALSE(outcome->winner);
  EXPECT_EQ(outcome->summary["verdict"], "original");
  EXPECT_EQ(outcome->summary["attempts"], 2);
  EXPECT_THAT(judge_.requests, ElementsAre("a/slow@search", "a/wrong@search")) << "nothing is worth a final";
}

TEST_F(Supervisor, TheWinnerIsWhatTheFinalSaysNotTheSearch) {
  judge_.verdicts = {
      {"a/lucky", accepted(5, 4, 6)}, {"a/lucky@final", accepted(1.0, 0.9, 1.1)}, {"b/solid", accepted(1.5, 1.4, 1.6)}};
  const auto outcome = search(FakeAgent("a", {"lucky"}), FakeAgent("b", {"solid"}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->summary["winner"], "b");
  EXPECT_EQ(outcome->summary["speedup"], 1.5);
}

TEST_F(Supervisor, TheJudgeIsToldWhatIsToBeatButNotOfAgentsWhoseVerdictsCount) {
  judge_.verdicts = {{"a/one", accepted(1.5, 1.4, 1.6)},
                     {"a/two", accepted(1.1, 1.0, 1.2)},
                     {"b/model", accepted(1.2, 1.1, 1.3)},
                     {"a/three", refused("values")}};
  FakeAgent model("b", {"model"});
  model.full = true;
  ASSERT_TRUE(search(FakeAgent("a", {"one", "two", "three"}), std::move(model)));
  // Agents propose side by side: b's plan may have been judged before a's first.
  EXPECT_LE(judge_.to_beat.at("a/one@search").value_or(1.1), 1.1);
  EXPECT_EQ(judge_.to_beat.at("a/two@search"), 1.4);
  EXPECT_EQ(judge_.to_beat.at("a/three@search"), 1.4) << "the best, not the last";
  EXPECT_EQ(judge_.to_beat.at("b/model@search"), std::nullopt);
}

TEST_F(Supervisor, WhatDoesNotCompileIsRefusedWithoutTheJudge) {
  const auto outcome = search(FakeAgent("a", {"plan"}, Form::plan));
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(judge_.requests.empty());
  const auto evaluations = *store_->evaluations(problem_.id);
  ASSERT_EQ(evaluations.size(), 1u);
  EXPECT_EQ(evaluations[0].verdict.reason, "compile");
  EXPECT_EQ(evaluations[0].verdict.kind, Verdict::Kind::refused);
}

TEST_F(Supervisor, AFileNameThatLeadsOutOfTheFolderWritesNothing) {
  const auto outcome = search(FakeAgent("a", {"escapes"}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ((*store_->evaluations(problem_.id))[0].verdict.reason, "plan");
  EXPECT_FALSE(std::filesystem::exists(scratch_.path() / "escaped"));
}

TEST_F(Supervisor, AnAgentThatFailsStopsAloneAndIsSaid) {
  judge_.verdicts = {{"b/good", accepted(2, 1.9, 2.1)}};
  const auto outcome = search(FakeAgent("a", {"fails"}), FakeAgent("b", {"good"}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->summary["winner"], "b");
  EXPECT_THAT(watcher_.stopped, ::testing::Contains(HasSubstr("a: the agent is out of order")));
}

TEST_F(Supervisor, AProblemThatCannotBeOpenedIsExcludedWithItsReason) {
  judge_.cannot_open = Error{"forward is random", "p.py", "", "random"};
  EXPECT_FALSE(search(FakeAgent("a", {"x"})));
  const auto problem = (*store_->problems(run_.id)).front();
  EXPECT_EQ(problem.state, "excluded");
  EXPECT_EQ(problem.reason, "random");
}

TEST_F(Supervisor, ALaterPartOfTheRunRepeatsNothingAndJudgesWhatWasOnlyProposed) {
  judge_.verdicts = {{"a/one", accepted(1.5, 1.4, 1.6)}};  // and no judge any more for the second
  EXPECT_FALSE(search(FakeAgent("a", {"one", "two", "three"})));
  EXPECT_THAT(judge_.requests, ElementsAre("a/one@search", "a/two@search"));
  judge_.requests.clear();
  judge_.verdicts["a/two"] = judge_.verdicts["a/three"] = refused("values");
  const auto outcome = search(FakeAgent("a", {"one", "never asked again", "three"}));
  ASSERT_TRUE(outcome) << to_text(outcome.error());
  EXPECT_THAT(judge_.requests, ElementsAre("a/two@search", "a/three@search", "a/one@final"));
  EXPECT_EQ(outcome->summary["attempts"], 3);
}

TEST_F(Supervisor, OtherAgentsPrepareWhileOneIsJudged) {
  judge_.verdicts = {{"a/x", refused("values")}, {"b/y", refused("values")}};
  options_.jobs = 2;
  bool prepared = false;
  judge_.before = [&] {
    for (int i = 0; i < 500 && !prepared; ++i) {
      prepared = (*store_->attempts(problem_.id)).size() == 2;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  ASSERT_TRUE(search(FakeAgent("a", {"x"}), FakeAgent("b", {"y"})));
  EXPECT_TRUE(prepared);
}

TEST_F(Supervisor, EqualCandidatesAreJudgedOnceWhoeverProposesThem) {
  judge_.verdicts = {{"a/same", accepted(2, 1.9, 2.1)}};  // the file's text is the proposal's name
  options_.jobs = 1;
  const auto outcome = search(FakeAgent("a", {"same", "same"}), FakeAgent("b", {"same"}));
  ASSERT_TRUE(outcome) << to_text(outcome.error());
  EXPECT_THAT(judge_.requests, ElementsAre("a/same@search", "a/same@final"));
  EXPECT_EQ(outcome->summary["attempts"], 3);
  const auto evaluations = *store_->evaluations(problem_.id);
  ASSERT_EQ(evaluations.size(), 4u) << "each attempt has its verdict";
  EXPECT_THAT(evaluations[1].verdict.body["notes"].dump(), HasSubstr("the same files as a:1"));
}

TEST_F(Supervisor, TheSearchEndsWhenItsSecondsAreOver) {
  judge_.verdicts = {{"a/x", refused("values")}};
  judge_.before = [] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); };
  options_.seconds = 0.02;
  const auto outcome = search(FakeAgent("a", {"x", "x", "x"}));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(judge_.requests.size(), 1u);
}

}  // namespace
}  // namespace burnish
