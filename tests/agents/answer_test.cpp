#include "agents/answer.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace burnish {
namespace {

const std::string plan = R"({"burnish_plan": 1, "kernels": {"k": {"source": "kernels.cpp"}}, "steps": []})";
const std::string kernel = "extern \"C\" void k(long begin, long end) {}\n";

Answer read(const std::string& text) {
  auto answer = read_answer(text);
  EXPECT_TRUE(answer) << (answer ? "" : to_text(answer.error()));
  return answer ? *answer : Answer{};
}

TEST(Answer, ReadsPlanAndKernelWithNamesInTheFence) {
  const Answer a =
      read("Here it is.\n```json plan.json\n" + plan + "\n```\nand\n```cpp kernels.cpp\n" + kernel + "```\nGood luck!");
  EXPECT_EQ(json::parse(a.plan)["burnish_plan"], 1);
  EXPECT_EQ(a.files.at("kernels.cpp"), kernel);
  EXPECT_TRUE(a.remarks.empty());
}

TEST(Answer, TakesNamesFromTheLineBeforeAndFromTheFirstComment) {
  EXPECT_TRUE(
      read("```json\n" + plan + "\n```\n**kernels.cpp**:\n```cpp\n" + kernel + "```").files.contains("kernels.cpp"));
  EXPECT_TRUE(
      read("```json\n" + plan + "\n```\n\n```cpp\n// kernels.cpp\n" + kernel + "```").files.contains("kernels.cpp"));
  EXPECT_TRUE(read("```json\n" + plan + "\n```\n\n```cpp title=\"kernels.cpp\"\n" + kernel + "```")
                  .files.contains("kernels.cpp"));
}

TEST(Answer, GivesANamelessKernelTheOnlyOpenName) {
  const Answer a = read("```json\n" + plan + "\n```\n```cpp\n" + kernel + "```");
  EXPECT_EQ(a.files.at("kernels.cpp"), kernel);
  EXPECT_EQ(a.remarks.size(), 1u);
}

TEST(Answer, ForgivesMissingAndDoubledFences) {
  EXPECT_EQ(read("```json\n```json\n" + plan + "\n```\n```cpp kernels.cpp\n" + kernel).files.at("kernels.cpp"), kernel);
  EXPECT_EQ(read("```json plan.json\n" + plan + "\n```cpp kernels.cpp\n" + kernel + "```").files.at("kernels.cpp"),
            kernel);
  EXPECT_EQ(read("~~~json\n" + plan + "\n~~~\n~~~~cpp kernels.cpp\n" + kernel + "~~~~").files.at("kernels.cpp"),
            kernel);
  EXPECT_EQ(read("```json\r\n" + plan + "\r\n```\r\n").plan.empty(), false);
}

TEST(Answer, ReadsJsonWithCommentsTrailingCommasAndPythonWords) {
  const std::string loose =
      "{ // a plan\n \"burnish_plan\": 1, /* note */ \"cooperative\": True, \"x\": None, \"s\": \"a // b, }\", "
      "\"steps\": [1, 2,],\n}";
  const json read_back = json::parse(read("```json\n" + loose + "\n```").plan);
  EXPECT_EQ(read_back["cooperative"], true);
  EXPECT_TRUE(read_back["x"].is_null());
  EXPECT_EQ(read_back["s"], "a // b, }");
  EXPECT_EQ(read_back["steps"].size(), 2u);
}

TEST(Answer, FindsAPlanWithoutAnyFence) {
  const Answer a = read("Sure! " + plan + " That is all.");
  EXPECT_EQ(json::parse(a.plan)["burnish_plan"], 1);
}

TEST(Answer, TheLastBlockForAFileCounts) {
  const std::string better = "extern \"C\" void k(long b, long e) { /* fixed */ }\n";
  const Answer a = read("```cpp kernels.cpp\n" + kernel + "```\nOh no, rather:\n```json\n" + plan +
                        "\n```\n```cpp kernels.cpp\n" + better + "```");
  EXPECT_EQ(a.files.at("kernels.cpp"), better);
}

TEST(Answer, CutsFoldersFromNames) {
  const Answer a = read("```json\n" + plan + "\n```\n```cpp ../../etc/kernels.cpp\n" + kernel + "```");
  EXPECT_TRUE(a.files.contains("kernels.cpp"));
  EXPECT_EQ(a.files.size(), 1u);
  EXPECT_EQ(a.remarks.size(), 1u);
}

TEST(Answer, TakesAModelNewWhereAModelInsists) {
  EXPECT_FALSE(read("```python\nimport torch\nclass ModelNew(torch.nn.Module):\n  pass\n```").python.empty());
}

TEST(Answer, SaysWhatItLookedForAndFound) {
  const auto none = read_answer("I am sorry, I cannot do that.");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("no fenced block at all"), std::string::npos);
  const auto other = read_answer("```python\nprint(1)\n```");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().what.find("1 fenced block"), std::string::npos);
}

}  // namespace
}  // namespace burnish
