#include "swarm/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/paths.h"

namespace burnish {
namespace {

using ::testing::HasSubstr;

class Corpus : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) { ASSERT_TRUE(write_file(folder_.path() / name, text)); }
  void entry(const std::string& name) {
    put(name + ".py", "class Model:  # " + name);
    put(name + "/about.json", R"({"problem": "../)" + name + R"(.py", "speedup": 2.5, "made": "by hand"})");
    put(name + "/exported.json", R"({"burnish_plan": 1, "target": "cpu", "steps": []})");
    put(name + "/plan.json", "{}");
    put(name + "/kernels.cpp", "// " + name);
  }
  std::string error() {
    const auto read = read_corpus(folder_.path());
    return read ? "none" : to_text(read.error());
  }

  TemporaryFolder folder_ = *TemporaryFolder::make("burnish-test");
};

TEST_F(Corpus, IsReadByNameAndSurvivesTheRunsOptions) {
  entry("b");
  entry("a");
  const auto read = read_corpus(folder_.path());
  ASSERT_TRUE(read) << to_text(read.error());
  const auto kept = corpus_of(json::parse(to_json(*read).dump()));
  ASSERT_TRUE(kept) << to_text(kept.error());
  for (const auto* corpus : {&*read, &*kept}) {
    ASSERT_EQ(corpus->size(), 2U);
    const Solved& a = corpus->front();
    EXPECT_EQ(a.name, "a");
    EXPECT_EQ(a.target, "cpu");
    EXPECT_EQ(a.source, "class Model:  # a");
    EXPECT_EQ(a.speedup, 2.5);
    EXPECT_EQ(a.exported["burnish_plan"], 1);
    EXPECT_EQ(a.proposal.files, (std::map<std::string, std::string>{{"plan.json", "{}"}, {"kernels.cpp", "// a"}}));
  }
}

TEST_F(Corpus, WhatIsWrongIsNamed) {
  EXPECT_THAT(error(), HasSubstr("no solved problem"));
  entry("a");
  put("a/about.json", "{\"speedup\": 2}");
  EXPECT_THAT(error(), HasSubstr("a/about.json"));
  put("a/about.json", "speedup = 2");
  EXPECT_THAT(error(), HasSubstr("a/about.json"));
  entry("a");
  std::filesystem::remove(folder_.path() / "a/plan.json");
  EXPECT_THAT(error(), HasSubstr("no plan.json"));
  entry("a");
  put("a/about.json", R"({"problem": "../secret", "speedup": 2})");
  EXPECT_THAT(error(), HasSubstr("no Python file"));
  entry("a");
  std::filesystem::create_symlink(folder_.path(), folder_.path() / "a/notes.md");
  EXPECT_THAT(error(), HasSubstr("symbolic link"));
  entry("a");
  std::filesystem::remove(folder_.path() / "a.py");
  EXPECT_THAT(error(), HasSubstr("a.py"));
}

}  // namespace
}  // namespace burnish
