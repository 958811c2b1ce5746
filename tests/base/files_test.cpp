#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace burnish {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() : folder_(fs::path(testing::TempDir()) / ("burnish_files_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Files() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Files, WritesAndReadsBytes) {
  const std::string bytes("a\0b\n\xff", 5);
  ASSERT_TRUE(write_file(folder_ / "deep" / "er" / "file", bytes));
  EXPECT_EQ(*read_file(folder_ / "deep" / "er" / "file"), bytes);
  ASSERT_TRUE(write_file(folder_ / "deep" / "er" / "file", ""));
  EXPECT_EQ(*read_file(folder_ / "deep" / "er" / "file"), "");
}

TEST_F(Files, ReadersSeeTheOldOrTheNewFileWhole) {
  const std::string a(100'000, 'a'), b(100'000, 'b');
  ASSERT_TRUE(write_file(folder_ / "file", a));
  std::jthread writer([&] {
    for (int i = 0; i < 200; ++i) (void)write_file(folder_ / "file", i % 2 ? a : b);
  });
  for (int i = 0; i < 200; ++i) {
    const auto read = read_file(folder_ / "file");
    ASSERT_TRUE(read);
    ASSERT_TRUE(*read == a || *read == b);
  }
}

TEST_F(Files, ErrorsSayWhatAndWhere) {
  const auto missing = read_file(folder_ / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().where, (folder_ / "none").string());
  EXPECT_NE(missing.error().what.find("No such file"), std::string::npos);
  EXPECT_FALSE(read_file(folder_));
  ASSERT_TRUE(write_file(folder_ / "file", "12345"));
  EXPECT_FALSE(read_file(folder_ / "file", 4));
  EXPECT_TRUE(read_file(folder_ / "file", 5));
  EXPECT_FALSE(write_file(folder_ / "file" / "below", "x"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(folder_ / "pipe"));
}

TEST_F(Files, LinksAreRefusedWhereAsked) {
  ASSERT_TRUE(write_file(folder_ / "file", "text"));
  fs::create_symlink(folder_ / "file", folder_ / "link");
  fs::create_directory_symlink(folder_, folder_ / "elsewhere");
  EXPECT_EQ(*read_file(folder_ / "link"), "text");
  const auto refused = read_file(folder_ / "link", 100, Links::refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "this is a symbolic link");
  EXPECT_EQ(refused.error().where, (folder_ / "link").string());
  EXPECT_EQ(*read_file(folder_ / "elsewhere" / "file", 100, Links::refuse), "text") << "only the path itself";
}

TEST_F(Files, AFailedWriteLeavesNothingBehind) {
  fs::create_directory(folder_ / "taken");
  ASSERT_TRUE(write_file(folder_ / "taken" / "child", "x"));  // rename over a folder that is not empty fails
  EXPECT_FALSE(write_file(folder_ / "taken", "x"));
  const auto entries = std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  EXPECT_EQ(entries, 1);
}

}  // namespace
}  // namespace burnish
