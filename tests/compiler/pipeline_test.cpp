#include "compiler/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "compiler/tables.h"
#include "plan/check.h"
#include "plan/parse.h"

namespace burnish::compiler {
namespace {

Plan plan_of(const std::string& text) {
  auto plan = parse_plan(text, "test");
  EXPECT_TRUE(plan) << (plan ? "" : to_text(plan.error()));
  return plan ? *plan : Plan{};
}

const char* const bias_gelu = R"({"burnish_plan": 1, "target": "cpu",
  "inputs": {"x": {"dtype": "float32", "shape": ["n", 256], "strides": "contiguous"}},
  "params": {"b": "bias"},
  "steps": [{"op": "aten::add.Tensor", "args": ["x", "b"], "out": ["h"]},
            {"op": "aten::gelu", "args": ["h"], "out": ["y"]}],
  "result": "y",
  "notes": {"meta": {"x": {"dtype": "float32", "shape": ["n", 256], "strides": [256, 1]},
                     "b": {"dtype": "float32", "shape": [256], "strides": [1]},
                     "h": {"dtype": "float32", "shape": ["n", 256], "strides": [256, 1]},
                     "y": {"dtype": "float32", "shape": ["n", 256], "strides": [256, 1]}}}})";

int launches(const Plan& plan) {
  int n = 0;
  for (const Step& step : plan.steps) n += std::holds_alternative<LaunchStep>(step) ? 1 : 0;
  return n;
}

TEST(Pipeline, MakesOneKernelOfAPointwiseChainWithASymbolicSize) {
  const auto made = compile_plan(plan_of(bias_gelu), Options{});
  ASSERT_TRUE(made) << to_text(made.error());
  EXPECT_EQ(launches(made->plan), 1);
  EXPECT_TRUE(check(made->plan));
  EXPECT_THAT(made->sources.at("kernels.cpp"), testing::HasSubstr("b_gelu("));
}

TEST(Pipeline, KeepsThePlanThatEachPassLeft) {
  const auto made = compile_plan(plan_of(bias_gelu), Options{}, true);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->log.size(), pipeline().size());
  EXPECT_TRUE(std::ranges::any_of(made->log, [](const PassLog& l) { return l.name == "fuse" && !l.text.empty(); }));
}

TEST(Pipeline, LeavesWhatItDoesNotKnow) {
  std::string text = bias_gelu;
  text.replace(text.find("aten::gelu"), 10, "aten::what");
  const auto made = compile_plan(plan_of(text), Options{});
  ASSERT_TRUE(made) << to_text(made.error());
  EXPECT_TRUE(std::ranges::any_of(made->plan.steps, [](const Step& s) {
    const auto* op = std::get_if<OpStep>(&s);
    return op != nullptr && op->op == "aten::what";
  }));
}

TEST(Pipeline, ProposesNoVariantTwice) {
  const auto made = compile_candidates(plan_of(bias_gelu), Machine{});
  EXPECT_EQ(made.size(), 1U);
}

// One rule of each class, a template and a product for the library.
const char* const classes = R"({"burnish_plan": 1, "target": "cpu",
  "inputs": {"x": {"dtype": "float32", "shape": [64, 64], "strides": "contiguous"}},
  "params": {"w": "w", "b": "b"},
  "steps": [{"op": "aten::dropout", "args": ["x", 0.1, false], "out": ["d"]},
            {"op": "aten::linear", "args": ["d", "w", "b"], "out": ["h"]},
            {"op": "aten::mul.Scalar", "args": ["h", 0.5], "out": ["s"]},
            {"op": "aten::softmax.int", "args": ["s", 1], "out": ["p"]},
            {"op": "aten::cumsum", "args": ["p", 1], "out": ["y"]}],
  "result": "y",
  "notes": {"meta": {"w": {"dtype": "float32", "shape": [64, 64]}, "b": {"dtype": "float32", "shape": [64]},
                     "d": {"dtype": "float32", "shape": [64, 64]}, "h": {"dtype": "float32", "shape": [64, 64]},
                     "s": {"dtype": "float32", "shape": [64, 64]}, "p": {"dtype": "float32", "shape": [64, 64]},
                     "y": {"dtype": "float32", "shape": [64, 64]}}}})";

TEST(Pipeline, KeepsToTheClassesOfRulesThatAreAllowed) {
  const auto fired = [](RuleClass rules) {
    Options options;
    options.rules = rules;
    const auto made = compile_plan(plan_of(classes), options);
    return made ? std::set<std::string>(made->fired.begin(), made->fired.end()) : std::set<std::string>{};
  };
  using testing::UnorderedElementsAre;
  EXPECT_THAT(fired(RuleClass::exact), UnorderedElementsAre("dropout, evaluating"));
  EXPECT_THAT(fired(RuleClass::same), UnorderedElementsAre("dropout, evaluating", "softmax", "scan", "oneDNN product"));
  EXPECT_THAT(fired(RuleClass::changes),
              UnorderedElementsAre("dropout, evaluating", "scale into a product", "softmax", "scan", "oneDNN product"));
}

TEST(Pipeline, IsNoBolderAfterARefusal) {
  for (const auto& made : compile_carefully(plan_of(classes), Machine{}, RuleClass::exact))
    EXPECT_THAT(made.fired, testing::ElementsAre("dropout, evaluating")) << made.name;
}

TEST(Tables, SayOfWhatFiredHowOftenAndWhichClass) {
  const std::string text = describe_fired({"softmax", "scan", "softmax", "oneDNN product", "two scales"});
  EXPECT_THAT(text, testing::HasSubstr("  softmax, 2 times (same: "));
  EXPECT_THAT(text, testing::HasSubstr("  scan (same: a template)\n"));
  EXPECT_THAT(text, testing::HasSubstr("  oneDNN product (same: a library call)\n"));
  EXPECT_THAT(text, testing::HasSubstr("  two scales (changes: attention's scale after a temperature)\n"));
}

}  // namespace
}  // namespace burnish::compiler
