#include "swarm/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/paths.h"
#include "fakes/fake_judge.h"
#include "swarm/proposals.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json plan_of(std::initializer_list<const char*> ops) {
  json steps = json::array();
  std::string last = "x";
  for (const char* op : ops) {
    steps.push_back({{"op", std::string("aten::") + op}, {"args", {last}}, {"out", {last + "'"}}});
    last += "'";
  }
  return {{"inputs", {{"x", {{"dtype", "float32"}, {"shape", {4, 4}}}}}}, {"steps", steps}, {"result", last}};
}

const json softmax = plan_of({"mm", "_softmax", "mul"}), like_softmax = plan_of({"mm", "_softmax", "add"}),
           convolution = plan_of({"conv2d", "relu"});

class Memory : public ::testing::Test {
 protected:
  void SetUp() override { store_ = *Store::open(folder_.path()); }

  RunRecord run() { return *store_->create_run("suite", {{"judging", {{"target", "cpu"}}}}, json::object()); }

  ProblemRecord problem(const RunRecord& run, const std::string& name, const json& plan) {
    const auto p = *store_->add_problem(run.id, name, "other", {{"file", "/p/" + name + ".py"}, {"class", ""}});
    EXPECT_TRUE(store_->set_opened(p.id, json::object(),
                                   {{"plan.json", *store_->artifacts().put(plan.dump())},
                                    {"problem.py", *store_->artifacts().put("class Model:  # " + name)}}));
    return get(run, name);
  }

  ProblemRecord get(const RunRecord& run, const std::string& name) {
    const auto problems = *store_->problems(run.id);
    for (const auto& p : problems)
      if (p.name == name) return p;
    return {};
  }

  /// Solves a problem: agent "m" wins with a plan at that speedup.
  void solve(const ProblemRecord& p, double speedup, Form form = Form::plan) {
    const Proposal proposal{"attempt 1", form, {{"plan.json", "{\"by\": \"" + p.name + "\"}"}}, nullptr};
    const auto attempt = *record_proposal(*store_, p.id, "m", 1, "best-of-n", proposal, {});
    EXPECT_TRUE(store_->add_evaluation(p.id, attempt.id, "search", accepted(speedup, speedup - 0.1, speedup + 0.1)));
    EXPECT_TRUE(store_->finish_problem(p.id, {{"verdict", "accepted"},
                                              {"winner", "m"},
                                              {"number", 1},
                                              {"speedup", speedup},
                                              {"interval", {speedup - 0.1, speedup + 0.1}}}));
  }

  std::vector<std::string> shown(const ProblemRecord& p, const json& plan, const HeldOut& held_out = {}) {
    const auto examples = nearest_solved(*store_, p, plan, "cpu", held_out);
    EXPECT_TRUE(examples) << to_text(examples.error());
    std::vector<std::string> ids;
    for (const auto& e : *examples) ids.push_back(e.proposal.files.at("plan.json"));
    return ids;
  }

  TemporaryFolder folder_ = *TemporaryFolder::make("burnish-test");
  std::unique_ptr<Store> store_;
};

TEST_F(Memory, TheNearestSolvedProblemsComeFirstAndStrangersNever) {
  const auto before = run();
  solve(problem(before, "same", softmax), 2);
  solve(problem(before, "alike", like_softmax), 3);
  solve(problem(before, "stranger", convolution), 9);
  (void)problem(before, "unsolved", softmax);
  const auto now = run();
  const auto p = problem(now, "mine", softmax);
  EXPECT_THAT(shown(p, softmax), ElementsAre(HasSubstr("same"), HasSubstr("alike")));
  const auto examples = *nearest_solved(*store_, p, softmax, "cpu", {});
  EXPECT_THAT(examples[0].what, HasSubstr("2.00 times"));
  EXPECT_THAT(examples[0].source, HasSubstr("# same"));
  EXPECT_THAT(*nearest_solved(*store_, p, softmax, "cuda", {}), IsEmpty()) << "another target's kernels";
}

TEST_F(Memory, AHeldOutProblemSeesNothingThatSolvesIt) {
  const auto before = run();
  solve(problem(before, "mine", softmax), 2);     // the same name
  solve(problem(before, "renamed", softmax), 2);  // the same plan
  solve(problem(before, "other", like_softmax), 2);
  const auto now = run();
  const auto p = problem(now, "level1/mine", softmax);
  (void)problem(now, "level1/other", convolution);
  EXPECT_THAT(shown(p, softmax), ElementsAre(HasSubstr("mine"), HasSubstr("other"))) << "nothing is held out";
  EXPECT_THAT(shown(p, softmax, {{"mine"}, false}), ElementsAre(HasSubstr("other")));
  EXPECT_THAT(shown(p, softmax, {{}, true}), IsEmpty()) << "other is a problem of the run, too";
}

TEST_F(Memory, ACorpusCountsLikeTheStoreAndIsHeldOutLikeIt) {
  const auto solved = [](const char* name, const json& plan, const char* target = "cpu") {
    return Solved{name, target, "class Model:  # corpus",
                  plan, 4,      {"solution", Form::plan, {{"plan.json", name}}, nullptr}};
  };
  const std::vector<Solved> corpus = {solved("stranger", convolution), solved("alike", like_softmax),
                                      solved("twin", softmax), solved("mine", like_softmax),
                                      solved("gpu", softmax, "cuda")};
  const auto p = problem(run(), "level1/mine", softmax);
  const auto names = [&](const HeldOut& held_out) {
    std::vector<std::string> ids;
    const auto examples = *nearest_solved(*store_, p, softmax, "cpu", held_out, corpus);
    for (const auto& e : examples) ids.push_back(e.id);
    return ids;
  };
  EXPECT_THAT(names({}), ElementsAre("corpus twin", "corpus alike"));
  EXPECT_THAT(names({{}, true}), ElementsAre("corpus alike")) << "neither its plan nor its name";
  EXPECT_THAT(names({{"mine"}, false}), ElementsAre("corpus alike"));
  const auto first = nearest_solved(*store_, p, softmax, "cpu", {}, corpus)->front();
  EXPECT_THAT(first.what, HasSubstr("4.00 times"));
  EXPECT_THAT(first.source, HasSubstr("# corpus"));
}

TEST_F(Memory, OnlyWhatWasThereBeforeCounts) {
  const auto now = run();
  solve(problem(now, "first", like_softmax), 2);
  const auto p = problem(now, "mine", softmax);
  solve(problem(now, "later in the run", like_softmax), 2);
  const auto after = run();
  solve(problem(after, "of a later run", like_softmax), 2);
  EXPECT_THAT(shown(p, softmax), ElementsAre(HasSubstr("first")));
}

TEST_F(Memory, AWinnerForTheSameProblemIsAReferenceButNoneOfItsOwnTargetWhereItIsMeasured) {
  const auto before = run();
  solve(problem(before, "mine", softmax), 2);
  solve(problem(before, "other", convolution), 9);
  auto there = *store_->create_run("suite", {{"judging", {{"target", "cuda"}}}}, json::object());
  solve(problem(there, "mine", softmax), 7);
  const auto now = run();
  const auto p = problem(now, "mine", softmax);
  const auto found = *verified_winner(*store_, p, "cpu", {});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->name, HasSubstr("cpu at 2.00 times"));
  EXPECT_THAT(found->text, HasSubstr("```json plan.json"));
  EXPECT_THAT((*verified_winner(*store_, p, "cpu", {{}, true}))->name, HasSubstr("cuda at 7.00 times"));
  EXPECT_FALSE(*verified_winner(*store_, problem(now, "new", like_softmax), "cpu", {}));
}

TEST_F(Memory, EarlierProblemsOfTheSameKindCountWhole) {
  const auto now = run();
  solve(problem(now, "a", softmax), 2);
  solve(problem(now, "b", convolution), 2);
  const auto p = problem(now, "mine", like_softmax);
  solve(problem(now, "later", softmax), 2);
  const auto tallies = *earlier_tallies(*store_, p, like_softmax);
  EXPECT_DOUBLE_EQ(tallies.at("m").good, 1.25);
  EXPECT_DOUBLE_EQ(tallies.at("m").bad, 0);
}

}  // namespace
}  // namespace burnish
