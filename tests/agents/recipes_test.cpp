#include "agents/recipes.h"

#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "base/paths.h"

namespace burnish {
namespace {

TEST(RecipeAgents, ProposeEachIdeaOnceAndThenNothing) {
  for (const auto* name : {"inductor", "library"}) {
    auto agents = make_agents({name});
    ASSERT_TRUE(agents) << to_text(agents.error());
    std::vector<PastAttempt> history;
    std::set<std::string> recipes;
    for (;;) {
      const auto next = agents->front()->propose(Task{}, history);
      ASSERT_TRUE(next);
      if (!*next) break;
      EXPECT_EQ((*next)->form, Form::recipe);
      const auto recipe = json::parse((*next)->files.at("recipe.json"));
      EXPECT_EQ(recipe.at("burnish_recipe"), 1);
      EXPECT_TRUE(recipes.insert(recipe.dump()).second) << "proposed twice: " << recipe;
      history.push_back({static_cast<int>(history.size()) + 1, **next, Verdict{}});
      ASSERT_LT(history.size(), 20u);
    }
    EXPECT_GE(history.size(), 2u);
  }
}

TEST(RecipeAgents, ChannelsLastOnlyWhereThereAreImages) {
  const auto folder = TemporaryFolder::make("burnish-test");
  ASSERT_TRUE(folder);
  const auto proposals = [&](const std::string& plan) {
    EXPECT_TRUE(write_file(folder->path() / "plan.json", plan));
    Task task;
    task.plan = folder->path();
    const auto agents = make_agents({"library"});
    std::vector<PastAttempt> history;
    while (auto next = *agents->front()->propose(task, history))
      history.push_back({static_cast<int>(history.size()) + 1, *next, Verdict{}});
    return history.size();
  };
  EXPECT_EQ(proposals(R"({"inputs": {"x": {"shape": [8, 16]}}, "steps": [{"op": "aten::relu"}]})"), 1u);
  EXPECT_EQ(proposals(R"({"inputs": {"x": {"shape": [8, 3, 4, 4]}}, "steps": [{"op": "aten::relu"}]})"), 4u);
  EXPECT_EQ(proposals(R"({"inputs": {"x": {"shape": [8, 16]}}, "steps": [{"op": "aten::conv2d"}]})"), 4u);
  EXPECT_EQ(proposals(R"({"inputs": {"x": {"shape": [8, 16, 9]}}, "steps": [{"op": "aten::conv1d"}]})"), 1u);
  EXPECT_EQ(proposals(R"({"inputs": {"x": {"shape": [8, 1, 4, 4, 4]}}, "steps": [{"op": "aten::conv3d"}]})"), 1u)
      << "channels_last says nothing of five dimensions";
  EXPECT_EQ(proposals("no plan at all"), 4u) << "where nothing tells, all are tried";
}

TEST(RecipeAgents, OnAGpuTheyKnowGraphsAndNoneOfACpusSettings) {
  for (const auto* name : {"inductor", "library"}) {
    const auto agents = make_agents({name});
    Task task;
    task.target = "cuda";
    std::vector<PastAttempt> history;
    bool graphs = false;
    while (auto next = *agents->front()->propose(task, history)) {
      const auto& recipe = next->files.at("recipe.json");
      graphs |= recipe.find("cuda_graph") != std::string::npos;
      EXPECT_EQ(recipe.find("freeze"), std::string::npos) << recipe;
      history.push_back({static_cast<int>(history.size()) + 1, *next, Verdict{}});
    }
    EXPECT_TRUE(graphs) << name;
  }
  Task task;
  task.target = "sycl";
  task.plan = "/nowhere";
  EXPECT_FALSE(*(*make_agents({"compiler"})).front()->propose(task, {})) << "it writes no kernels for that target";
}

TEST(Agents, UnknownAndRepeatedNamesAreRefusedWithTheKnownOnes) {
  const auto unknown = make_agents({"wizard"});
  ASSERT_FALSE(unknown);
  EXPECT_NE(to_text(unknown.error()).find("inductor"), std::string::npos);
  EXPECT_FALSE(make_agents({"library", "library"}));
}

TEST(Agents, AllOfThemWhereNoneIsNamed) {
  const auto all = make_agents({});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), agent_rows().size());
}

TEST(Agents, FormsReadBackAsTheyArePrinted) {
  for (const Form form : {Form::plan, Form::recipe, Form::model_new}) EXPECT_EQ(form_of(to_text(form)), form);
  EXPECT_FALSE(form_of("poem"));
}

}  // namespace
}  // namespace burnish
