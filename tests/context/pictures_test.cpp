#include "context/pictures.h"

#include <gtest/gtest.h>

#include "context/base64.h"
#include "context/canvas.h"

namespace burnish {
namespace {

json profile(int steps) {
  json list = json::array();
  for (int i = 0; i < steps; ++i)
    list.push_back({{"step", "steps[" + std::to_string(i) + "] op aten::mm"},
                    {"seconds", 1e-3 / (i + 1)},
                    {"bytes_in", 1e6},
                    {"bytes_out", 1e5}});
  return {{"seconds", 0.01}, {"bytes_per_second", 1e10}, {"steps", list}};
}

/// Width and height from the header (PNG, section 11.2.2).
std::pair<int, int> size_of(const std::string& png) {
  const auto number = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value * 256 + static_cast<unsigned char>(png[at + i]);
    return value;
  };
  return {number(16), number(20)};
}

TEST(Pictures, AProfileIsThreePngFiles) {
  const auto pictures = draw_profile(profile(5));
  ASSERT_EQ(pictures.size(), 3u);
  for (const auto& picture : pictures) {
    EXPECT_EQ(picture.substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(size_of(picture).first, 1000);
    EXPECT_LT(picture.size(), 200'000u);
  }
  EXPECT_NE(pictures[0], pictures[1]);
}

TEST(Pictures, AThousandStepsStayOnePage) {
  for (const auto& picture : draw_profile(profile(1000))) EXPECT_LT(size_of(picture).second, 900);
}

TEST(Pictures, WhereNothingWasMeasuredThereIsNone) {
  EXPECT_TRUE(draw_profile(nullptr).empty());
  EXPECT_TRUE(draw_profile(profile(0)).empty());
  auto still = profile(2);
  for (auto& step : still["steps"]) step = {{"step", "x"}, {"seconds", 0}};
  still.erase("bytes_per_second");
  EXPECT_EQ(draw_profile(still).size(), 1u) << "no bars of nothing";
}

TEST(Canvas, DrawsInsideItsEdgesOnly) {
  Canvas canvas(10, 10);
  const auto before = canvas.png();
  canvas.fill(-50, -50, 20, 20, {255, 0, 0});
  canvas.fill(100, 100, 20, 20, {255, 0, 0});
  canvas.text(-1000, 3, "\xc3\xbc and a long text \x01");
  EXPECT_EQ(canvas.png(), before);
  canvas.fill(0, 0, 1, 1, {255, 0, 0});
  EXPECT_NE(canvas.png(), before);
}

TEST(Base64, AgreesWithTheStandardsOwnVectors) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace burnish
