#include "plan/print.h"

#include <gtest/gtest.h>

#include "plan/check.h"
#include "plan/corpus.h"
#include "plan/parse.h"

namespace burnish {
namespace {

TEST(Print, ParsesBackToTheSamePlan) {
  for (const auto text : corpus::plans) {
    const auto plan = parse_plan(text, "plan.json");
    ASSERT_TRUE(plan) << to_text(plan.error());
    const auto checked = check(*plan);
    EXPECT_TRUE(checked) << to_text(checked.error());
    const std::string printed = print_plan(*plan);
    const auto again = parse_plan(printed, "printed");
    ASSERT_TRUE(again) << to_text(again.error()) << printed;
    EXPECT_EQ(print_plan(*again), printed);
    // Equal in all that the JSON says, not only stable: compare with the original where defaults are spelled out.
    EXPECT_EQ(again->steps.size(), plan->steps.size());
    EXPECT_EQ(again->graph, plan->graph);
    EXPECT_EQ(plan->graph, json::parse(text).value("graph", false));
    EXPECT_EQ(json::parse(printed)["result"], json::parse(text)["result"]);
  }
}

}  // namespace
}  // namespace burnish
