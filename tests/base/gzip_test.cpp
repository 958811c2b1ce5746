#include "base/gzip.h"

#include <random>

#include <gtest/gtest.h>

namespace burnish {
namespace {

std::string random_bytes(std::size_t count) {
  std::mt19937 draw(7);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(draw());
  return bytes;
}

TEST(Gzip, GivesBackWhatItGot) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text.append("line ").append(std::to_string(i)).append("\n");
  for (const std::string& bytes : {std::string(), std::string("a"), text, random_bytes(700'000)}) {
    const auto packed = gzip(bytes);
    ASSERT_TRUE(packed);
    EXPECT_EQ(*packed, *gzip(bytes)) << "the same again";
    const auto back = gunzip(*packed);
    ASSERT_TRUE(back) << to_text(back.error());
    EXPECT_TRUE(*back == bytes);
  }
  EXPECT_LT(gzip(text)->size(), text.size() / 4);
}

TEST(Gzip, NoticesWhatIsDamagedCutOrTooLarge) {
  const auto packed = *gzip(std::string(100'000, 'x') + random_bytes(1000));
  EXPECT_FALSE(gunzip(""));
  EXPECT_FALSE(gunzip("not a gzip file at all, but long enough to be one"));
  for (std::size_t length = 1; length < packed.size(); length += 97) EXPECT_FALSE(gunzip(packed.substr(0, length)));
  EXPECT_FALSE(gunzip(packed + "more"));
  auto flipped = packed;
  flipped[packed.size() / 2] = static_cast<char>(flipped[packed.size() / 2] ^ 0x10);
  EXPECT_FALSE(gunzip(flipped));
  EXPECT_FALSE(gunzip(packed, 100'999));
  EXPECT_TRUE(gunzip(packed, 101'000));
}

TEST(Gzip, IsWorthItForTextOnly) {
  EXPECT_FALSE(worth_gzip("few"));
  EXPECT_TRUE(worth_gzip(std::string(1000, 'x')));
  EXPECT_TRUE(worth_gzip(std::string(1'000'000, 'x')));
  EXPECT_FALSE(worth_gzip(random_bytes(200'000)));
}

}  // namespace
}  // namespace burnish
