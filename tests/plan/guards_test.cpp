#include "plan/guards.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/parse.h"

namespace burnish {
namespace {

/// A tensor's facts that own their numbers.
struct Fake {
  DType dtype;
  std::vector<std::int64_t> sizes, strides;
  TensorFacts facts() const { return {dtype, sizes, strides}; }
};

Fake contiguous(std::vector<std::int64_t> sizes, DType dtype = DType::float32) {
  std::vector<std::int64_t> strides(sizes.size());
  std::int64_t stride = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<std::int64_t>(sizes[i], 1);
  }
  return {dtype, std::move(sizes), std::move(strides)};
}

Guards guards_of(const std::string& inputs, const std::string& where = "[]") {
  const auto plan = parse_plan(
      R"({"burnish_plan": 1, "inputs": )" + inputs + R"(, "where": )" + where + R"(, "steps": [], "result": null})",
      "plan");
  EXPECT_TRUE(plan) << to_text(plan.error());
  auto guards = Guards::compile(*plan);
  EXPECT_TRUE(guards) << to_text(guards.error());
  return std::move(*guards);
}

/// The values of the symbols, or the explanation of a miss.
std::string outcome(const Guards& guards, const std::vector<Fake>& tensors) {
  std::vector<TensorFacts> facts;
  for (const Fake& tensor : tensors) facts.push_back(tensor.facts());
  std::vector<std::int64_t> values(guards.symbols().size());
  if (!guards.match(facts, values)) return guards.explain(facts);
  EXPECT_EQ(guards.explain(facts), "the guards hold");
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) text += guards.symbols()[i] + "=" + std::to_string(values[i]) + " ";
  return text;
}

TEST(Guards, BindSymbolsAndCheckSizes) {
  const auto guards = guards_of(
      R"({"x": {"dtype": "float32", "shape": ["n", 256]}, "k": {"value": 1}, "y": {"dtype": "int64", "shape": ["2 * n + m", "n", "m"]}})");
  EXPECT_EQ(guards.tensors(), 2U);
  EXPECT_EQ(outcome(guards, {contiguous({4, 256}), contiguous({9, 4, 1}, DType::int64)}), "n=4 m=1 ");
  EXPECT_EQ(outcome(guards, {contiguous({4, 255}), contiguous({9, 4, 1}, DType::int64)}),
            "input x: size 1 is 255, expected 256");
  EXPECT_EQ(outcome(guards, {contiguous({4, 256}), contiguous({9, 5, 1}, DType::int64)}),
            "input y: size 1 is 5, expected 4 (n)");
  EXPECT_EQ(outcome(guards, {contiguous({4, 256}), contiguous({8, 4, 1}, DType::int64)}),
            "input y: size 0 is 8, expected 9 (2 * n + m)");
  EXPECT_EQ(outcome(guards, {contiguous({4, 256}), contiguous({9, 4, 1})}),
            "input y: dtype is float32, expected int64");
  EXPECT_EQ(outcome(guards, {contiguous({4, 256, 1}), contiguous({9, 4, 1}, DType::int64)}),
            "input x: 3 dimensions, expected 2");
  EXPECT_EQ(outcome(guards, {contiguous({4, 256})}), "1 tensors came, expected 2");
}

TEST(Guards, AScalarTensorHasNoDimensions) {
  const auto guards = guards_of(R"({"x": {"dtype": "bool", "shape": []}})");
  EXPECT_EQ(outcome(guards, {contiguous({}, DType::bool_)}), "");
  EXPECT_EQ(outcome(guards, {contiguous({1}, DType::bool_)}), "input x: 1 dimensions, expected 0");
}

TEST(Guards, LayoutsArePyTorchs) {
  const auto plain = guards_of(R"({"x": {"dtype": "float32", "shape": ["a", "b", "c", "d"]}})");
  const auto last =
      guards_of(R"({"x": {"dtype": "float32", "shape": ["a", "b", "c", "d"], "strides": "channels_last"}})");
  const auto any = guards_of(R"({"x": {"dtype": "float32", "shape": ["a", "b", "c", "d"], "strides": "any"}})");
  const Fake nchw = contiguous({2, 3, 4, 5});
  const Fake nhwc{DType::float32, {2, 3, 4, 5}, {60, 1, 15, 3}};
  const Fake ones{DType::float32, {1, 3, 1, 1}, {7, 1, 9, 11}};
  const Fake empty{DType::float32, {2, 0, 4, 5}, {9, 9, 9, 9}};
  EXPECT_EQ(outcome(plain, {nchw}), "a=2 b=3 c=4 d=5 ");
  EXPECT_EQ(outcome(plain, {nhwc}), "input x: strides [60, 1, 15, 3] of sizes [2, 3, 4, 5] are not contiguous");
  EXPECT_EQ(outcome(last, {nhwc}), "a=2 b=3 c=4 d=5 ");
  EXPECT_EQ(outcome(last, {nchw}), "input x: strides [60, 20, 5, 1] of sizes [2, 3, 4, 5] are not channels_last");
  EXPECT_EQ(outcome(plain, {ones}), "a=1 b=3 c=1 d=1 ");
  EXPECT_EQ(outcome(last, {ones}), "a=1 b=3 c=1 d=1 ");
  EXPECT_EQ(outcome(plain, {empty}), "a=2 b=0 c=4 d=5 ");
  EXPECT_EQ(outcome(any, {nhwc}), "a=2 b=3 c=4 d=5 ");
}

TEST(Guards, ExplicitStridesMayBeExpressions) {
  const auto guards = guards_of(R"({"x": {"dtype": "float32", "shape": ["n", "m"], "strides": [1, "n + 2"]}})");
  EXPECT_EQ(outcome(guards, {{DType::float32, {4, 3}, {1, 6}}}), "n=4 m=3 ");
  EXPECT_EQ(outcome(guards, {{DType::float32, {4, 3}, {1, 5}}}), "input x: stride 1 is 5, expected 6");
  EXPECT_EQ(outcome(guards, {{DType::float32, {4, 1}, {1, 5}}}), "n=4 m=1 ");
}

TEST(Guards, WhereIsEvaluatedOverSymbolsAndTensors) {
  const auto guards = guards_of(R"({"x": {"dtype": "float32", "shape": ["n", 8]}})",
                                R"(["n % 4 == 0", "numel(x) < 100", "size(x, -1) / n >= 1"])");
  EXPECT_EQ(outcome(guards, {contiguous({4, 8})}), "n=4 ");
  EXPECT_EQ(outcome(guards, {contiguous({5, 8})}), "'n % 4 == 0' does not hold");
  EXPECT_EQ(outcome(guards, {contiguous({16, 8})}), "'numel(x) < 100' does not hold");
  // A fault is a miss, not a crash: 8 / 0.
  EXPECT_EQ(outcome(guards, {contiguous({0, 8})}), "'size(x, -1) / n >= 1' does not hold");
}

TEST(Guards, UnknownNamesDoNotCompile) {
  const auto plan = parse_plan(
      R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n"]}}, "where": ["size(x, 3) > m"], "steps": [], "result": null})",
      "plan");
  ASSERT_TRUE(plan);
  const auto guards = Guards::compile(*plan);
  ASSERT_FALSE(guards);
  EXPECT_NE(guards.error().what.find("no dimension 3"), std::string::npos) << guards.error().what;
}

}  // namespace
}  // namespace burnish
