#include "compiler/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "compiler/languages.h"
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

/// A plan of `n` products, each a step of cuBLAS, on a square of this side.
std::string products(int n, const std::string& more = "") {
  std::string steps, meta = R"("w": {"dtype": "float32", "shape": [64, 64], "strides": [64, 1]})", last = "x";
  for (int i = 0; i < n; ++i) {
    const std::string next = "h" + std::to_string(i);
    steps += (i ? ", " : "") + (R"({"op": "aten::mm", "args": [")" + last + R"(", "w"], "out": [")" + next + R"("]})");
    meta += R"(, ")" + next + R"(": {"dtype": "float32", "shape": [64, 64], "strides": [64, 1]})";
    last = next;
  }
  return R"({"burnish_plan": 1, "target": "cpu",
    "inputs": {"x": {"dtype": "float32", "shape": [64, 64], "strides": "contiguous"}}, "params": {"w": "w"},
    "steps": [)" +
         steps + more + R"(], "result": ")" + last + R"(", "notes": {"meta": {)" + meta + "}}}";
}

std::vector<std::string> graphs_of(const std::string& text, const Language& language) {
  std::vector<std::string> names;
  for (const auto& made : compile_candidates(plan_of(text), Machine{}, RuleClass::changes, language)) {
    EXPECT_TRUE(check(made.plan)) << made.name;
    if (made.plan.graph) names.push_back(made.name);
  }
  return names;
}

TEST(Pipeline, ManyLaunchesMayBeReplayedAsAGraph) {
  using testing::ElementsAre;
  EXPECT_THAT(graphs_of(products(4), cuda), ElementsAre("fused+graph"));
  EXPECT_THAT(graphs_of(products(3), cuda), ElementsAre()) << "a copy in, a launch, a copy out";
  EXPECT_THAT(graphs_of(products(3, R"(, {"op": "aten::t", "args": ["h2"], "out": ["v"]})"), cuda), ElementsAre());
  EXPECT_THAT(graphs_of(products(8), msl), ElementsAre());
  EXPECT_THAT(graphs_of(products(8), cpp), ElementsAre());
}

TEST(Pipeline, WhatCallsLaunchIsCountedForAGraph) {
  const std::string looped = R"({"burnish_plan": 1, "target": "cuda",
    "inputs": {"x": {"dtype": "float32", "shape": [64, 64], "strides": "contiguous"}},
    "functions": {"f": {"args": ["u"], "params": {"w": "w"}, "result": ["v"],
      "steps": [{"op": "aten::mm", "args": ["u", "w"], "out": ["v"]}]}},
    "steps": [{"call": "f", "for": "i", "in": [0, N], "params": "layers.{i}.", "args": ["x"], "out": ["y"]}],
    "result": "y"})";
  Options options = options_for(cuda, {});
  options.graph = true;
  for (const auto& [loops, wanted] : {std::pair{"3", false}, std::pair{"4", true}}) {
    std::string text = looped;
    text.replace(text.find('N'), 1, loops);
    const auto made = compile_plan(plan_of(text), options);
    ASSERT_TRUE(made) << to_text(made.error());
    EXPECT_EQ(made->plan.graph, wanted) << loops;
  }
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

TEST(Pipeline, NotesWhatKernelsComputeOfTheirOwnElementsAlone) {
  // Two operands that have axes of their own until the addition makes them one: 4 x 8 sums, then 4 x 8 comparisons.
  const auto made = compile_plan(plan_of(R"({"burnish_plan": 1, "target": "cpu",
    "inputs": {"x": {"dtype": "float32", "shape": [4, 8], "strides": "contiguous"},
               "z": {"dtype": "float32", "shape": [4, 8], "strides": "contiguous"}},
    "steps": [{"op": "aten::add.Tensor", "args": ["x", "z"], "out": ["h"]},
              {"op": "aten::relu", "args": ["h"], "out": ["y"]}],
    "result": "y",
    "notes": {"meta": {"x": {"dtype": "float32", "shape": [4, 8], "strides": [8, 1]},
                       "z": {"dtype": "float32", "shape": [4, 8], "strides": [8, 1]},
                       "h": {"dtype": "float32", "shape": [4, 8], "strides": [8, 1]},
                       "y": {"dtype": "float32", "shape": [4, 8], "strides": [8, 1]}}}})"),
                                 Options{});
  ASSERT_TRUE(made) << to_text(made.error());
  EXPECT_EQ(made->plan.notes["work"]["y"]["of"], "add, relu");
  EXPECT_EQ(made->plan.notes["work"]["y"]["flops"], 4 * 8 * 2);
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
