#include "targets/metal/estimate.h"

#include <gtest/gtest.h>

namespace burnish::metal {
namespace {

json step(const std::string& what, double bytes, double flops = 0) {
  return {{"step", "steps[0] " + what}, {"calls", 1}, {"bytes_in", bytes}, {"bytes_out", 0}, {"flops", flops}};
}

TEST(Estimate, ViewsAndMemoryCostNothing) {
  const auto none = estimate(json::array({step("op aten::transpose.int", 1e6), step("empty y", 1e6)}));
  EXPECT_EQ(none.launches, 0);
  EXPECT_EQ(none.seconds, 0);
}

TEST(Estimate, TheSlowerOfMemoryAndArithmeticCounts) {
  const auto moves = estimate(json::array({step("op aten::add.Tensor", 546e6)}));
  EXPECT_NEAR(moves.seconds, 1e-3 + m4_max.launch_seconds, 1e-9);
  const auto multiplies = estimate(json::array({step("op aten::mm", 546e3, 17e9)}));
  EXPECT_NEAR(multiplies.seconds, 1e-3 + m4_max.launch_seconds, 1e-9);
}

TEST(Estimate, FewThreadsAndBarriersAreSlower) {
  json alone = step("launch sum", 546e5);
  alone["threads"] = 1024, alone["groups"] = 1;
  json many = alone;
  many["threads"] = 1e6, many["groups"] = 1000;
  EXPECT_GT(estimate(json::array({alone})).seconds, 5 * estimate(json::array({many})).seconds);
  json waits = many;
  waits["barriers"] = 1e6;
  EXPECT_GT(estimate(json::array({waits})).seconds, estimate(json::array({many})).seconds);
}

TEST(Estimate, StepByStepItAddsUpAndNamesTheGpu) {
  const json steps = {step("op aten::mm", 546e3, 17e9), step("op aten::view", 1e6), step("launch f", 546e6)};
  const json profile = estimated_profile(steps);
  EXPECT_EQ(profile["estimated_for"], "Apple M4 Max");
  EXPECT_EQ(profile["steps"][1]["seconds"], 0.0);
  EXPECT_NEAR(profile["steps"][0]["seconds"].get<double>() + profile["steps"][2]["seconds"].get<double>(),
              estimate(steps).seconds, 1e-12);
  EXPECT_EQ(profile["seconds"], estimate(steps).seconds);
}

}  // namespace
}  // namespace burnish::metal
