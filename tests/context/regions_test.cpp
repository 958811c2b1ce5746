#include "context/regions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "context/regions_text.h"
#include "plan/parse.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Plan plan_of(const char* text) {
  auto plan = parse_plan(text, "test");
  EXPECT_TRUE(plan) << (plan ? "" : to_text(plan.error()));
  return plan ? *plan : Plan{};
}

/// linear -> batch_norm -> relu -> add x -> sum, as a module exports it.
Plan exported() {
  return plan_of(R"({"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [8, 8]}},
    "params": {"w": "w", "m": "m"},
    "steps": [{"op": "aten::linear", "args": ["x", "w"], "out": ["h"]},
              {"op": "aten::batch_norm", "args": ["h", "m"], "out": ["n"]},
              {"op": "aten::relu", "args": ["n"], "out": ["r"]},
              {"op": "aten::mul.Tensor", "args": ["r", "r"], "out": ["q"]},
              {"op": "aten::mul.Tensor", "args": ["q", "x"], "out": ["y"]}],
    "result": "y"})");
}

/// The batch norm folded into the product, the rest one kernel that reads the product in a layout of its own.
Plan rewritten() {
  return plan_of(R"({"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [8, 8]}},
    "params": {"w": "w", "m": "m"}, "kernels": {"fused_1": {"source": "kernels.cpp"}},
    "prepare": [{"op": "aten::mul.Tensor", "args": ["w", "m"], "out": ["wm"]}],
    "steps": [{"op": "aten::linear", "args": ["x", "wm"], "out": ["n"]},
              {"layout": "n_c", "of": "n", "strides": "contiguous"},
              {"empty": "y", "dtype": "float32", "shape": [8, 8]},
              {"launch": "fused_1", "range": 8, "args": ["n_c", "x", "y"]}],
    "result": "y",
    "notes": {"work": {"n": {"flops": 1024}, "y": {"flops": 192, "of": "relu, mul, mul"}, "n_c": {"flops": "odd"}}}})");
}

Profile measured() {
  Profile profile{.seconds = 12e-6, .eager_seconds = 30e-6};
  profile.steps = {{"steps[0] op aten::linear", 8e-6, 768, 1, 999},
                   {"steps[1] layout n_c", 1e-9, 0},
                   {"steps[2] empty y", 1e-6, 0},
                   {"steps[3] launch fused_1", 3e-6, 768},
                   {"steps[9] op aten::nothing", 1, 1},
                   {"between", 1, 1}};
  return profile;
}

TEST(Regions, StandForTheExportedStepsBetweenWhatTheyMakeAndRead) {
  const auto regions = regions_of(rewritten(), exported(), measured());
  ASSERT_EQ(regions.size(), 3U);
  EXPECT_EQ(regions[0].name, "op aten::linear");
  EXPECT_THAT(regions[0].stands_for,
              ElementsAre(Field(&ReplacedStep::op, "aten::linear"), Field(&ReplacedStep::op, "aten::batch_norm")));
  EXPECT_THAT(regions[1].stands_for, IsEmpty());
  EXPECT_EQ(regions[1].part_of, "y");
  EXPECT_EQ(regions[2].name, "launch fused_1");
  EXPECT_THAT(regions[2].makes, ElementsAre("y"));
  EXPECT_THAT(regions[2].stands_for, ElementsAre(Field(&ReplacedStep::out, "r"), Field(&ReplacedStep::out, "q"),
                                                 Field(&ReplacedStep::out, "y")));
}

TEST(Regions, OfAKernelHaveItsOwnFiguresAndThoseOfItsAllocations) {
  const auto regions = regions_of(rewritten(), exported(), measured());
  ASSERT_EQ(regions.size(), 3U);
  EXPECT_EQ(regions[0].flops, 1024);  // the compiler's note, not the worker's count
  EXPECT_EQ(regions[1].flops, 0);     // a note that is no number
  EXPECT_EQ(regions[2].flops, 192);   // not those of n, which it reads
  EXPECT_DOUBLE_EQ(regions[2].seconds, 4e-6);
  EXPECT_EQ(regions[2].bytes, 768);
}

TEST(Regions, OfAPlanWithoutNotesHaveWhatTheWorkerCounted) {
  Plan plan = rewritten();
  plan.notes = nullptr;
  const auto regions = regions_of(plan, exported(), measured());
  EXPECT_EQ(regions[0].flops, 999);
  EXPECT_EQ(regions[2].flops, 0);
}

TEST(Regions, StandAsFarFromTheRoofAsTheirScarcerResource) {
  const Roof roof{1e9, 1e9};
  EXPECT_DOUBLE_EQ(seconds_at_roof({.bytes = 100, .flops = 50}, roof), 1e-7);
  EXPECT_DOUBLE_EQ(seconds_at_roof({.bytes = 10, .flops = 50}, roof), 5e-8);
  EXPECT_EQ(seconds_at_roof({.bytes = 10, .flops = 50}, {}), 0);
}

TEST(RegionsText, IsATableWithRatesAndSharesOfTheRoof) {
  const auto profile = measured();
  const auto text = regions_text(regions_of(rewritten(), exported(), profile), profile, {1e9, 1e9});
  // 768 bytes in 8 us are 0.096 GB/s, 1024 operations 0.128 GFLOP/s
  EXPECT_THAT(text, HasSubstr(" 66.7%         8.0       0.00      0.1      10%       0.00      0.1      13%  "
                              "op aten::linear: linear, batch_norm\n"));
  EXPECT_THAT(text, HasSubstr("launch fused_1: relu, mul x2\n"));
  EXPECT_THAT(text, HasSubstr("in 1 small region\n"));
  EXPECT_THAT(text, Not(HasSubstr("layout")));
  EXPECT_THAT(text,
              HasSubstr("A call takes 12.0 us, its steps one by one 12.0 us, at the roof 1.8 us; the module takes "
                        "30.0 us.\n"));
}

TEST(RegionsText, SaysNullWhereNothingIsKnown) {
  const auto profile = measured();
  const json all = regions_json(regions_of(rewritten(), exported(), profile), profile, {1e9, 1e9});
  EXPECT_DOUBLE_EQ(all["seconds"], 12e-6);
  EXPECT_EQ(all["regions"][0]["part_of"], nullptr);
  EXPECT_DOUBLE_EQ(all["regions"][0]["of_peak"], 0.128);
  EXPECT_DOUBLE_EQ(all["regions"][0]["of_roof"], 0.128);
  EXPECT_EQ(all["regions"][0]["stands_for"][1]["out"], "n");
  EXPECT_EQ(all["regions"][1]["flops"], nullptr);
  EXPECT_EQ(all["regions"][1]["of_roof"], nullptr);
  EXPECT_EQ(regions_json({}, {}, {})["roof_seconds"], nullptr);
  EXPECT_EQ(regions_text({}, {}, {}), "(no step was measured)\n");
}

}  // namespace
}  // namespace burnish
