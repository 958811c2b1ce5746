#include "targets/object_cache.h"

#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/files.h"

namespace burnish {
namespace {
namespace fs = std::filesystem;

class ObjectCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "burnish-objects-XXXXXX").string();
    ASSERT_TRUE(mkdtemp(pattern.data()));
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
  const std::string object_ = [] {
    std::string bytes(30'000, '\0');
    bytes.append("kernel");
    return bytes;
  }();
};

TEST_F(ObjectCacheTest, KeepsObjectsCompressedAndLoadsThemWhole) {
  const ObjectCache cache(folder_ / "kept", folder_ / "loaded");
  EXPECT_FALSE(cache.find("a.so"));
  const auto kept = cache.keep("a.so", object_);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->parent_path(), folder_ / "loaded");
  EXPECT_LT(fs::file_size(folder_ / "kept" / "a.so.gz"), 1000u);
  EXPECT_FALSE(fs::exists(folder_ / "kept" / "a.so"));
  EXPECT_EQ(cache.find("a.so"), *kept);
  fs::remove_all(folder_ / "loaded");  // its owner is through with it
  const auto again = cache.find("a.so");
  ASSERT_TRUE(again);
  EXPECT_EQ(*read_file(*again), object_);
}

TEST_F(ObjectCacheTest, FindsWhatTheOtherKindWrote) {
  const ObjectCache whole(folder_ / "kept"), small(folder_ / "kept", folder_ / "loaded");
  ASSERT_TRUE(whole.keep("old.so", object_));  // as every store of before
  EXPECT_EQ(small.find("old.so"), folder_ / "kept" / "old.so");
  ASSERT_TRUE(small.keep("new.so", object_));
  EXPECT_EQ(*read_file(*whole.find("new.so")), object_);
}

TEST_F(ObjectCacheTest, TakesADamagedObjectAsMissing) {
  const ObjectCache cache(folder_ / "kept", folder_ / "loaded");
  ASSERT_TRUE(cache.keep("a.so", object_));
  fs::remove_all(folder_ / "loaded");
  std::ofstream(folder_ / "kept" / "a.so.gz") << "torn";
  EXPECT_FALSE(cache.find("a.so"));
}

}  // namespace
}  // namespace burnish
