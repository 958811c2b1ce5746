#include "plan/lifetimes.h"

#include <gtest/gtest.h>

#include "plan/corpus.h"
#include "plan/parse.h"

namespace burnish {
namespace {

using Names = std::vector<std::string>;

Plan plan_of(std::string_view text) {
  auto plan = parse_plan(text, "plan");
  EXPECT_TRUE(plan) << to_text(plan.error());
  return std::move(*plan);
}

TEST(Lifetimes, ANameIsReleasedAfterItsLastReader) {
  const auto found = lifetimes(plan_of(corpus::bias_gelu));
  EXPECT_EQ(found.steps, (Releases{{}, {}, {"h"}}));  // h is read by the launch's range too; y is the result
  EXPECT_EQ(found.prepare, (Releases{{}}));
  EXPECT_EQ(found.prepared, Names{"wt"});
}

TEST(Lifetimes, ExpressionsAndNestedArgumentsRead) {
  const auto found = lifetimes(plan_of(R"json({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [4]}},
    "steps": [{"op": "aten::relu", "args": ["x"], "out": ["a"]},
              {"op": "aten::relu", "args": ["x"], "out": ["b"]},
              {"op": "aten::topk", "args": ["x", 2], "out": ["unused", ""]},
              {"op": "aten::cat", "args": [["b", "b"]], "out": ["c"]},
              {"empty": "y", "dtype": "float32", "shape": ["numel(a)"]},
              {"op": "aten::relu", "args": ["c"], "out": ["d"]}],
    "result": ["y", "size(d, 0)"]})json"));
  EXPECT_EQ(found.steps, (Releases{{}, {}, {"unused"}, {"b"}, {"a"}, {"c"}}));
}

TEST(Lifetimes, InputsAndParametersAreNotReleased) {
  for (const auto text : corpus::plans) {
    const Plan plan = plan_of(text);
    for (const Names& names : lifetimes(plan).steps)
      for (const std::string& name : names)
        for (const auto& [param, path] : plan.params) EXPECT_NE(name, param);
  }
}

TEST(Lifetimes, PreparedNamesThatNothingReadsAreDropped) {
  const auto found = lifetimes(plan_of(R"({"burnish_plan": 1, "inputs": {}, "params": {"w": "w"},
    "prepare": [{"op": "aten::t", "args": ["w"], "out": ["a"]}, {"op": "aten::neg", "args": ["a"], "out": ["b"]}],
    "steps": [{"op": "aten::relu", "args": ["b"], "out": ["y"]}], "result": "y"})"));
  EXPECT_EQ(found.prepared, Names{"b"});
  EXPECT_EQ(found.prepare, (Releases{{}, {"a"}}));
}

TEST(Lifetimes, FunctionsHaveTheirOwn) {
  const Plan plan = plan_of(corpus::layers);
  const auto found = lifetimes(plan.functions[0].second);
  EXPECT_EQ(found.steps, (Releases{{}, {"y"}, {"z"}}));
  EXPECT_EQ(found.prepared, Names{"wt"});
}

}  // namespace
}  // namespace burnish
