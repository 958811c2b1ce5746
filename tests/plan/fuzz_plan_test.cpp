#include <gtest/gtest.h>

#include "plan/corpus.h"
#include "plan/fuzz_properties.h"
#include "plan/mutate.h"

namespace burnish {
namespace {

TEST(FuzzPlan, DamagedTextsAreRefusedOrRoundTrip) {
  Random random(1);
  fuzz_for(fuzz_seconds(2), [&](std::size_t round) {
    const std::string text = mutate_bytes(std::string(corpus::plans[round % corpus::plans.size()]), random);
    const auto broken = broken_property(text);
    ASSERT_FALSE(broken) << *broken << " in round " << round << "\n" << text;
  });
}

TEST(FuzzPlan, DamagedTreesAreRefusedOrRoundTrip) {
  Random random(2);
  std::vector<json> trees;
  for (const auto text : corpus::plans) trees.push_back(json::parse(text));
  std::size_t valid = 0;
  const auto rounds = fuzz_for(fuzz_seconds(3), [&](std::size_t round) {
    const std::string text = mutate_json(trees[round % trees.size()], random).dump();
    const auto broken = broken_property(text);
    ASSERT_FALSE(broken) << *broken << " in round " << round << "\n" << text;
    const auto plan = parse_plan(text, "");
    valid += plan && check(*plan);
  });
  // A fuzzer that only ever meets refusals tests nothing behind the checker.
  EXPECT_GT(valid, rounds / 50);
  EXPECT_LT(valid, rounds);
}

}  // namespace
}  // namespace burnish
