#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <thread>

#include "base/paths.h"
#include "store/pack.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

Verdict verdict(double speedup) {
  return *parse_verdict({{"verdict", "accepted"},
                         {"reason", "ok"},
                         {"speedup", speedup},
                         {"interval", {speedup - 0.1, speedup + 0.1}},
                         {"samples", {{"reference", {{1e-3, 2e-3}, {3e-3}}}, {"candidate", {{5e-4}}}}}});
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::make_unique<TemporaryFolder>(*TemporaryFolder::make("burnish-test"));
    auto store = Store::open(folder_->path() / "store");
    ASSERT_TRUE(store) << to_text(store.error());
    store_ = std::move(*store);
  }
  AttemptRecord attempt(std::int64_t problem, int number) {
    return {.problem = problem,
            .agent = "a",
            .number = number,
            .strategy = "s",
            .name = "n",
            .form = "recipe",
            .files = {{"recipe.json", *store_->artifacts().put("recipe " + std::to_string(number))}}};
  }

  std::unique_ptr<TemporaryFolder> folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, RunsHaveShortReadableIdsAndComeBackNewestFirst) {
  const auto first = *store_->create_run("suite", {{"x", 1}}, {{"device", "d"}});
  const auto second = *store_->create_run("optimize", json::object(), json::object());
  EXPECT_TRUE(std::regex_match(first.id, std::regex("[a-z]+-[a-z]+-[0-9]+"))) << first.id;
  const auto runs = *store_->runs();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].id, second.id);
  EXPECT_EQ(runs[1].options, json({{"x", 1}}));
  EXPECT_FALSE(store_->run("nobody-knows-1"));
}

TEST_F(StoreTest, EverythingOfAnAttemptComesBack) {
  const auto run = *store_->create_run("suite", json::object(), json::object());
  const auto problem = *store_->add_problem(run.id, "p", "2", {{"file", "p.py"}});
  EXPECT_EQ(store_->add_problem(run.id, "p", "2", {{"file", "p.py"}})->id, problem.id) << "made once";
  const auto kept = *store_->add_attempt(attempt(problem.id, 1));
  ASSERT_TRUE(store_->add_evaluation(problem.id, kept.id, "search", verdict(1.5)));
  const auto attempts = *store_->attempts(problem.id);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(*store_->artifacts().get(attempts[0].files.at("recipe.json")), "recipe 1");
  const auto evaluations = *store_->evaluations(problem.id);
  ASSERT_EQ(evaluations.size(), 1u);
  EXPECT_EQ(evaluations[0].attempt, kept.id);
  EXPECT_DOUBLE_EQ(*evaluations[0].verdict.speedup, 1.5);
  EXPECT_EQ(*store_->samples(evaluations[0].id),
            json({{"reference", {{1e-3, 2e-3}, {3e-3}}}, {"candidate", {{5e-4}}}}));
}

TEST_F(StoreTest, NothingIsOverwritten) {
  const auto run = *store_->create_run("suite", json::object(), json::object());
  const auto problem = *store_->add_problem(run.id, "p", "2", json::object());
  const auto kept = *store_->add_attempt(attempt(problem.id, 1));
  EXPECT_FALSE(store_->add_attempt(attempt(problem.id, 1)));
  ASSERT_TRUE(store_->add_evaluation(problem.id, kept.id, "search", verdict(1.5)));
  EXPECT_FALSE(store_->add_evaluation(problem.id, kept.id, "search", verdict(9.9)));
  EXPECT_TRUE(store_->add_evaluation(problem.id, kept.id, "final", verdict(1.4)));
  ASSERT_TRUE(store_->add_evaluation(problem.id, 0, "search", verdict(1.0)));
  EXPECT_FALSE(store_->add_evaluation(problem.id, 0, "search", verdict(1.0)));
}

TEST_F(StoreTest, ARunThatIsRemovedTakesAllItsRowsAndThenItsFiles) {
  const auto run = *store_->create_run("suite", json::object(), json::object());
  const auto problem = *store_->add_problem(run.id, "p", "2", json::object());
  const auto kept = *store_->add_attempt(attempt(problem.id, 1));
  ASSERT_TRUE(store_->add_evaluation(problem.id, kept.id, "search", verdict(1.5)));
  EXPECT_EQ(store_->used_artifacts()->size(), 1u);
  ASSERT_TRUE(store_->remove_run(run.id));
  EXPECT_TRUE(store_->used_artifacts()->empty());
  EXPECT_EQ(store_->remove_orphans(false)->first, 0) << "young files may belong to a proposal that is being written";
  const auto name = kept.files.at("recipe.json");
  fs::last_write_time(store_->artifacts().path(name), fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(store_->remove_orphans(true)->first, 1);
  EXPECT_TRUE(store_->artifacts().get(name)) << "dry";
  EXPECT_EQ(store_->remove_orphans(false)->first, 1);
  EXPECT_FALSE(store_->artifacts().get(name));
}

TEST_F(StoreTest, ADamagedArtifactIsSaidAndMendedByWritingItAgain) {
  const auto name = *store_->artifacts().put("contents");
  std::ofstream(store_->artifacts().path(name)) << "contentz";
  EXPECT_FALSE(store_->artifacts().get(name));
  std::ofstream(store_->artifacts().path(name)) << "";
  EXPECT_EQ(*store_->artifacts().put("contents"), name);
  EXPECT_EQ(*store_->artifacts().get(name), "contents");
}

TEST_F(StoreTest, LongArtifactsAreCompressedAndOnesOfBeforeAreRead) {
  const auto& artifacts = store_->artifacts();
  std::string text;
  for (int i = 0; i < 1000; ++i) text.append("line ").append(std::to_string(i)).append("\n");
  const auto name = *artifacts.put(text);
  const auto file = artifacts.path(name);
  EXPECT_EQ(file.extension(), ".gz");
  EXPECT_LT(fs::file_size(file), text.size() / 3);
  EXPECT_EQ(*artifacts.get(name), text);
  EXPECT_EQ(artifacts.list(), std::vector{name});
  std::ofstream(file) << "torn";
  EXPECT_FALSE(artifacts.get(name));
  EXPECT_EQ(*artifacts.put(text), name);
  EXPECT_EQ(*artifacts.get(name), text);

  ASSERT_TRUE(artifacts.remove(name));
  std::ofstream(artifacts.path(name)) << text;  // as a store of version 3 has it
  EXPECT_EQ(artifacts.path(name).extension(), "");
  EXPECT_EQ(*artifacts.get(name), text);
  EXPECT_EQ(*artifacts.put(text), name);
  EXPECT_EQ(artifacts.list(), std::vector{name}) << "not twice";
}

TEST_F(StoreTest, SeveralConnectionsWriteAtOnce) {
  const auto run = *store_->create_run("suite", json::object(), json::object());
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto other = Store::open(store_->folder());
      ASSERT_TRUE(other) << to_text(other.error());
      for (int i = 0; i < 10; ++i) {
        const auto problem =
            (*other)->add_problem(run.id, std::to_string(t) + "." + std::to_string(i), "1", json::object());
        ASSERT_TRUE(problem) << to_text(problem.error());
        ASSERT_TRUE((*other)->add_evaluation(problem->id, 0, "search", verdict(1)));
      }
    });
  }
  threads.clear();
  EXPECT_EQ(store_->problems(run.id)->size(), 40u);
}

TEST_F(StoreTest, TheNewestMeasurementOfADeviceCounts) {
  EXPECT_FALSE(*store_->measurement("roofline", "cpu: a"));
  ASSERT_TRUE(store_->add_measurement("roofline", "cpu: a", {{"flops", 1}}));
  ASSERT_TRUE(store_->add_measurement("roofline", "cpu: b", {{"flops", 2}}));
  ASSERT_TRUE(store_->add_measurement("roofline", "cpu: a", {{"flops", 3}}));
  EXPECT_EQ((**store_->measurement("roofline", "cpu: a"))["flops"], 3);
  EXPECT_FALSE(*store_->measurement("schedule", "cpu: a"));
}

TEST_F(StoreTest, AStoreOfTheVersionBeforeGetsTheNewTables) {
  {
    auto database = Database::open(store_->folder() / "burnish.db");
    ASSERT_TRUE(database->script("DROP TABLE measurements; PRAGMA user_version = 2"));
  }
  const auto run = *store_->create_run("suite", json::object(), json::object());
  auto again = Store::open(store_->folder());
  ASSERT_TRUE(again) << to_text(again.error());
  EXPECT_TRUE((*again)->run(run.id)) << "what it held stays";
  EXPECT_TRUE((*again)->add_measurement("roofline", "cpu: a", json::object()));
}

TEST_F(StoreTest, AStoreOfANewerVersionIsLeftAlone) {
  {
    auto database = Database::open(store_->folder() / "burnish.db");
    ASSERT_TRUE(database->script("PRAGMA user_version = 7"));
  }
  const auto again = Store::open(store_->folder());
  ASSERT_FALSE(again);
  EXPECT_THAT(to_text(again.error()), ::testing::HasSubstr("update burnish"));
}

TEST_F(StoreTest, APackedRunIsTheSameElsewhere) {
  const auto run = *store_->create_run("suite", {{"x", 1}}, {{"device", "d"}});
  const auto problem = *store_->add_problem(run.id, "p", "2", {{"file", "p.py"}});
  ASSERT_TRUE(store_->set_opened(problem.id, {{"eager_seconds", 1}}, {{"plan.json", *store_->artifacts().put("{}")}}));
  const auto kept = *store_->add_attempt(attempt(problem.id, 1));
  ASSERT_TRUE(store_->add_evaluation(problem.id, kept.id, "search", verdict(1.5)));
  ASSERT_TRUE(store_->add_evaluation(problem.id, 0, "search", verdict(1.0)));
  const auto file = folder_->path() / "run.tar";
  ASSERT_TRUE(pack_run(*store_, run.id, file));
  auto other = *Store::open(folder_->path() / "other");
  const auto moved = unpack_run(*other, file);
  ASSERT_TRUE(moved) << to_text(moved.error());
  EXPECT_EQ(*other->dump_run(run.id), *store_->dump_run(run.id));
  EXPECT_FALSE(unpack_run(*other, file)) << "a run of that name is there";
}

TEST_F(StoreTest, AForgedArchiveIsRefused) {
  const auto run = *store_->create_run("suite", json::object(), json::object());
  const auto problem = *store_->add_problem(run.id, "p", "2", json::object());
  ASSERT_TRUE(store_->add_attempt(attempt(problem.id, 1)));
  const auto file = folder_->path() / "run.tar";
  ASSERT_TRUE(pack_run(*store_, run.id, file));
  std::string bytes = [&] {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  auto other = *Store::open(folder_->path() / "other");
  const auto forged = folder_->path() / "forged.tar";
  const auto write = [&](std::string text) { std::ofstream(forged, std::ios::binary) << text; };
  auto changed = bytes;
  changed[changed.find("recipe 1")] = 'R';
  write(changed);
  EXPECT_FALSE(unpack_run(*other, forged)) << "an artifact is not what its name says";
  // Without the two blocks of zeros at the end nothing is missing.
  for (std::size_t cut = 0; cut + 1024 < bytes.size(); cut += 300) {
    write(bytes.substr(0, cut));
    EXPECT_FALSE(unpack_run(*other, forged)) << cut;
  }
  EXPECT_TRUE(other->runs()->empty());
}

}  // namespace
}  // namespace burnish
