#include "base/hash.h"

#include <gtest/gtest.h>

namespace burnish {
namespace {

TEST(Hash, IsXxHash128InItsCanonicalForm) {
  // Values of xxHash's own `xxhsum -H2`.
  EXPECT_EQ(hash_hex(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash_hex("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, DependsOnEveryByte) {
  std::string bytes(1000, 'x');
  const auto before = hash_hex(bytes);
  bytes[999] = 'y';
  EXPECT_NE(hash_hex(bytes), before);
  EXPECT_EQ(before.size(), 32U);
}

TEST(Hash, OfAFileThatIsMissingIsAnError) {
  EXPECT_FALSE(hash_file("/nonexistent/file"));
}

}  // namespace
}  // namespace burnish
