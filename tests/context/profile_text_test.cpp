#include "context/profile_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace burnish {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

json step(const char* name, double seconds, double in, double out = 0, int calls = 1) {
  return {{"step", name}, {"seconds", seconds}, {"bytes_in", in}, {"bytes_out", out}, {"calls", calls}};
}

TEST(ProfileText, SaysWhereTheTimeGoesAndHowNearACopyEachStepIs) {
  const json profile = {{"seconds", 0.010},
                        {"bytes_per_second", 1e10},
                        {"eager_seconds", 0.020},
                        {"steps",
                         {step("steps[0] op aten::mm", 0.004, 1e7, 1e7), step("steps[1] launch f", 0.004, 4e7),
                          step("steps[2] empty", 1e-6, 0), step("steps[3] op aten::add", 2e-6, 8, 4, 12)}}};
  const auto text = profile_text(profile);
  EXPECT_THAT(text, HasSubstr(" 40.0%      4000.0      20.00      5.0     50%  steps[0] op aten::mm"));
  EXPECT_THAT(text, HasSubstr("10.0    100%  steps[1] launch f"));
  EXPECT_THAT(text, HasSubstr("in 2 small steps"));
  EXPECT_THAT(text, Not(HasSubstr("aten::add")));
  EXPECT_THAT(text, HasSubstr("A call takes 10000.0 us, its steps 8003.0 us; the module takes 20000.0 us"));
  EXPECT_THAT(text, HasSubstr("10.0 GB/s here"));
}

TEST(ProfileText, AnEstimateIsSaidToBeOne) {
  const auto text = profile_text({{"seconds", 1e-5},
                                  {"bytes_per_second", 546e9},
                                  {"eager_seconds", 2e-5},
                                  {"estimated_for", "Apple M4 Max"},
                                  {"steps", {step("steps[0] launch f", 1e-5, 1e6)}}});
  EXPECT_THAT(text, HasSubstr("estimates for an Apple M4 Max"));
  EXPECT_THAT(text, Not(HasSubstr("A call takes")));
}

TEST(ProfileText, WhatIsMissingOrOddIsNoCrash) {
  for (const char* odd :
       {"null", "[]", "{}", R"({"steps": 3, "seconds": "x"})", R"({"seconds": 1, "steps": [1, null]})",
        R"({"seconds": 1, "steps": [{"step": 4, "seconds": -1}]})"})
    EXPECT_FALSE(profile_text(json::parse(odd)).empty()) << odd;
}

}  // namespace
}  // namespace burnish
