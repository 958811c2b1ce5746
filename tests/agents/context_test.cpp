#include "agents/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/paths.h"

namespace burnish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Contexts, AnAgentsNameSaysItsContext) {
  EXPECT_EQ(split_context("claude@reference"), std::pair(std::string("claude"), std::string("reference")));
  EXPECT_EQ(split_context("claude"), std::pair(std::string("claude"), std::string("plain")));
  EXPECT_EQ(split_context("command:mail me@home").first, "command:mail me@home") << "no context of ours";
}

TEST(Contexts, EachModelInEachContextAndBuiltInsAsTheyAre) {
  EXPECT_THAT(*in_contexts({"compiler", "m"}, {"plain", "reference"}), ElementsAre("compiler", "m", "m@reference"));
  EXPECT_THAT(*in_contexts({"m"}, {}), ElementsAre("m"));
  const auto wrong = in_contexts({"m"}, {"telepathy"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(to_text(wrong.error()), HasSubstr("telepathy"));
}

TEST(Contexts, TheReferenceIsTheUsersFileOrTheCompilersPlan) {
  const auto folder = TemporaryFolder::make("burnish-test");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(write_file(folder->path() / "plan.json", R"({"burnish_plan": 1, "target": "cpu",
      "inputs": {"x": {"dtype": "float32", "shape": [512, 512]}},
      "steps": [{"op": "aten::relu", "args": ["x"], "out": ["a"]}, {"op": "aten::tanh", "args": ["a"], "out": ["y"]}],
      "result": "y"})"));
  Task task{.target = "cpu"};
  task.plan = folder->path();
  PromptFacts facts;
  ASSERT_TRUE(add_context(facts, "plain", task, {}));
  EXPECT_EQ(facts.reference, "");
  const auto ok = add_context(facts, "reference", task, {});
  ASSERT_TRUE(ok) << to_text(ok.error());
  EXPECT_THAT(facts.reference, HasSubstr("```json plan.json\n"));
  EXPECT_THAT(facts.reference, HasSubstr("aten::tanh"));
  ASSERT_TRUE(write_file(folder->path() / "mine.cu", "__global__ void relu();"));
  const auto mine = read_reference(folder->path() / "mine.cu");
  ASSERT_TRUE(mine) << to_text(mine.error());
  ASSERT_TRUE(add_context(facts, "reference", task, *mine));
  EXPECT_EQ(facts.reference, "__global__ void relu();");
  EXPECT_THAT(facts.reference_kind, HasSubstr("mine.cu"));
  EXPECT_FALSE(read_reference(folder->path() / "gone.cu"));
  ASSERT_TRUE(write_file(folder->path() / "plan.json", R"({"burnish_plan": 1, "target": "cpu",
      "inputs": {"x": {"dtype": "float32", "shape": [512, 512], "strides": "contiguous"}},
      "steps": [{"op": "aten::relu", "args": ["x"], "out": ["a"]}, {"op": "aten::tanh", "args": ["a"], "out": ["y"]}],
      "result": "y", "notes": {"meta": {"x": {"dtype": "float32", "shape": [512, 512], "strides": [512, 1]},
      "a": {"dtype": "float32", "shape": [512, 512], "strides": [512, 1]},
      "y": {"dtype": "float32", "shape": [512, 512], "strides": [512, 1]}}}})"));
  task.target = "metal-emulated";
  ASSERT_TRUE(add_context(facts, "reference", task, {}));
  EXPECT_THAT(facts.reference, HasSubstr("__global__"));
  EXPECT_THAT(facts.reference_kind, HasSubstr("carry over to Metal"));
}

}  // namespace
}  // namespace burnish
