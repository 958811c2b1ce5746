#include "plan/inline.h"

#include <gtest/gtest.h>

#include "plan/check.h"
#include "plan/corpus.h"
#include "plan/parse.h"
#include "plan/step_names.h"
#include "plan/terms.h"

namespace burnish {
namespace {

Plan plan_of(std::string_view text) {
  auto plan = parse_plan(text, "plan");
  EXPECT_TRUE(plan) << to_text(plan.error());
  const auto checked = check(*plan);
  EXPECT_TRUE(checked) << to_text(checked.error());
  return std::move(*plan);
}

TEST(Inline, ComputesTheSame) {
  for (const auto text : corpus::plans) {
    const Plan plan = plan_of(text);
    const auto flat = inline_calls(plan);
    ASSERT_TRUE(flat) << to_text(flat.error());
    EXPECT_EQ(Terms(*flat).result(), Terms(plan).result()) << print_plan(*flat);
  }
}

TEST(Inline, LeavesNoCallsButChoices) {
  const auto flat = inline_calls(plan_of(corpus::nested));
  ASSERT_TRUE(flat) << to_text(flat.error());
  const auto no_calls = [](const std::vector<Step>& steps) {
    for (const Step& step : steps) EXPECT_FALSE(std::holds_alternative<CallStep>(step)) << step_to_text(step);
  };
  no_calls(flat->prepare);
  no_calls(flat->steps);
  for (const auto& [name, function] : flat->functions) no_calls(function.prepare), no_calls(function.steps);
  EXPECT_FALSE(is_flat(*flat));
  EXPECT_TRUE(is_flat(*inline_calls(plan_of(corpus::buffers))));
}

TEST(Inline, ParametersAreFoundByTheirWholePathOnce) {
  const auto flat = inline_calls(plan_of(corpus::nested));
  ASSERT_TRUE(flat);
  std::map<std::string, int> paths;
  for (const auto& [name, path] : flat->params) ++paths[path];
  for (const auto& [path, times] : paths) EXPECT_EQ(times, 1) << path;
  EXPECT_TRUE(paths.contains("outer.2.inner.1.weight"));
  EXPECT_TRUE(paths.contains("outer.0.gain"));
  EXPECT_FALSE(paths.contains("outer.0.inner.2.weight"));
  // 3 times 2 weights, one of which the plan names itself, and 3 gains; the choice's functions have their own.
  EXPECT_EQ(paths.size(), 9U);
}

TEST(Inline, PreparesOncePerPrefix) {
  const auto flat = inline_calls(plan_of(R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [4, 4]}},
    "functions": {"f": {"args": ["h"], "params": {"w": "w"}, "prepare": [{"op": "aten::t", "args": ["w"], "out": ["wt"]}],
                        "steps": [{"op": "aten::mm", "args": ["h", "wt"], "out": ["y"]}], "result": ["y"]}},
    "steps": [{"call": "f", "args": ["x"], "out": ["a"], "params": "p."}, {"call": "f", "args": ["a"], "out": ["b"], "params": "p."},
              {"call": "f", "args": ["b"], "out": ["c"], "params": "q.", "for": "i", "in": [0, 5]}], "result": "c"})"));
  ASSERT_TRUE(flat) << to_text(flat.error());
  EXPECT_EQ(flat->prepare.size(), 2U);
  EXPECT_EQ(flat->steps.size(), 7U);
  EXPECT_EQ(flat->params.size(), 2U);
}

TEST(Inline, ResultsKeepTheCallersNames) {
  const auto flat = inline_calls(plan_of(corpus::layers));
  ASSERT_TRUE(flat);
  std::set<std::string> names;
  for (const Step& step : flat->steps)
    for (const std::string& name : outputs_of(step)) names.insert(name);
  EXPECT_TRUE(names.contains("h"));
  EXPECT_TRUE(names.contains("y.block1"));
}

TEST(Inline, LoopsWithComputedBoundsAreRefused) {
  const auto flat = inline_calls(plan_of(R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
    "functions": {"f": {"args": ["h"], "steps": [{"op": "aten::relu", "args": ["h"], "out": ["y"]}], "result": ["y"]}},
    "steps": [{"call": "f", "args": ["x"], "out": ["a"], "for": "i", "in": [0, "n"]}], "result": "a"})"));
  ASSERT_FALSE(flat);
  EXPECT_NE(to_text(flat.error()).find("steps[0] call f > in"), std::string::npos) << to_text(flat.error());
}

TEST(Inline, RefusesToGrowWithoutEnd) {
  std::string functions =
      R"("f0": {"args": ["h"], "steps": [{"op": "aten::relu", "args": ["h"], "out": ["y"]}], "result": ["y"]})";
  for (int i = 1; i < 6; ++i)
    functions += R"(, "f)" + std::to_string(i) + R"(": {"args": ["h"], "steps": [{"call": "f)" + std::to_string(i - 1) +
                 R"(", "args": ["h"], "out": ["y"], "for": "i)" + std::to_string(i) +
                 R"(", "in": [0, 1000]}], "result": ["y"]})";
  const auto flat = inline_calls(
      plan_of(R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [1]}}, "functions": {)" + functions +
              R"(}, "steps": [{"call": "f5", "args": ["x"], "out": ["a"]}], "result": "a"})"));
  ASSERT_FALSE(flat);
  EXPECT_NE(flat.error().what.find("100000 steps"), std::string::npos);
}

}  // namespace
}  // namespace burnish
