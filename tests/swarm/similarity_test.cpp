#include "swarm/similarity.h"

#include <gtest/gtest.h>

namespace burnish {
namespace {

json plan(const std::vector<std::string>& ops, int rank = 2) {
  json steps = json::array();
  std::string last = "x";
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto out = "t" + std::to_string(i);
    steps.push_back({{"op", ops[i]}, {"args", {last}}, {"out", {out}}});
    last = out;
  }
  return {{"burnish_plan", 1},
          {"inputs", {{"x", {{"dtype", "float32"}, {"shape", std::vector<int>(static_cast<std::size_t>(rank), 8)}}}}},
          {"steps", steps},
          {"result", last}};
}

double alike(const json& a, const json& b) {
  return similarity(features_of(a), features_of(b));
}

TEST(Similarity, IsOneForTheSameAndNothingForStrangers) {
  const auto a = plan({"aten::mm", "aten::relu", "aten::sum.dim_IntList"});
  EXPECT_DOUBLE_EQ(alike(a, a), 1.0);
  EXPECT_LT(alike(a, plan({"aten::conv2d", "aten::tanh"}, 4)), 0.01);
  EXPECT_DOUBLE_EQ(alike(a, json("no plan")), 0.0);
  EXPECT_DOUBLE_EQ(alike(json(), json()), 0.0);
}

TEST(Similarity, OrderOfOperatorsCountsAndOverloadsDoNot) {
  const auto a = plan({"aten::mm", "aten::relu", "aten::tanh"});
  EXPECT_DOUBLE_EQ(alike(a, plan({"aten::mm.out", "aten::relu", "aten::tanh"})), 1.0);
  EXPECT_LT(alike(a, plan({"aten::tanh", "aten::mm", "aten::relu"})), 1.0);
  EXPECT_GT(alike(a, plan({"aten::mm", "aten::relu"})), alike(a, plan({"aten::relu", "aten::mm"})));
}

TEST(Similarity, StepsOfFunctionsCount) {
  json whole = {{"functions", {{"f", {{"steps", {{{"op", "aten::gelu"}, {"args", {"x"}}, {"out", {"y"}}}}}}}}}};
  EXPECT_GT(alike(whole, plan({"aten::gelu"})), 0.3);
}

TEST(Similarity, AKindIsThatOfTheCostliestOperator) {
  EXPECT_EQ(kind_of(plan({"aten::relu", "aten::conv2d", "aten::native_batch_norm"})), "convolution");
  EXPECT_EQ(kind_of(plan({"aten::addmm", "aten::gelu"})), "product");
  EXPECT_EQ(kind_of(plan({"aten::native_layer_norm"})), "norm");
  EXPECT_EQ(kind_of(plan({"aten::_softmax"})), "reduction");
  EXPECT_EQ(kind_of(plan({"aten::relu"})), "pointwise");
  EXPECT_EQ(kind_of(json()), "pointwise");
}

}  // namespace
}  // namespace burnish
