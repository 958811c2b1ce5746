#include "report/sheets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace burnish {
namespace {

using ::testing::HasSubstr;

Cell cell(const std::string& agent, std::vector<int> accepted, double speedup, int attempts = 5) {
  const auto at = agent.find('@');
  const bool built_in = agent == "compiler";
  Cell c{.agent = agent};
  c.parts = {agent.substr(0, at), built_in ? "" : at == std::string::npos ? "plain" : agent.substr(at + 1), built_in};
  c.accepted = std::move(accepted);
  c.attempts = attempts;
  c.faster = speedup > 1.02;
  c.unfloored = c.correct() ? speedup : 0;
  c.speedup = c.faster ? speedup : 1;
  return c;
}

/// Two levels, two models, one of them in two contexts, and a built-in.
Study study() {
  Study s;
  const auto trial = [&](const std::string& name, const std::string& level, const std::string& winner, double speedup,
                         std::vector<Cell> cells) {
    s.trials.push_back({name, level, winner, speedup, true, std::move(cells)});
  };
  trial("a", "1", "m@reference", 4,
        {cell("m", {1}, 2), cell("m@reference", {3}, 4), cell("n", {}, 0), cell("compiler", {1}, 1.5)});
  trial("b", "1", "compiler", 9,
        {cell("m", {}, 0), cell("m@reference", {2}, 0.5), cell("n", {5}, 3), cell("compiler", {1}, 9)});
  trial("c", "2", "original", 1,
        {cell("m", {}, 0), cell("m@reference", {}, 0), cell("n", {}, 0), cell("compiler", {1}, 0.9)});
  trial("t", "2", "n", 500,
        {cell("m", {1}, 400), cell("m@reference", {1}, 400), cell("n", {1}, 500), cell("compiler", {1}, 1)});
  s.trials.back().averaged = false;
  s.trivial["t"] = "2";
  s.excluded["x"] = "random";
  s.levels = {"1", "2"};
  for (const auto& c : s.trials[0].cells) {
    s.agents.push_back(c.agent);
    s.parts[c.agent] = c.parts;
  }
  s.models = {"m", "n", "compiler"};
  s.contexts = {"plain", "reference"};
  s.calls["m"] = {10, 1, 0, 1000, 500, 2.0};
  s.calls["m@reference"] = {10, 0, 5, 1000, 500, 4.0};
  s.strategies["best-of-n"] = {60, 9, 7};
  return s;
}

/// The row of a sheet whose first cells are these.
std::vector<json> row(const Sheet& sheet, const std::vector<std::string>& begin) {
  for (const auto& r : sheet.rows) {
    bool same = true;
    for (std::size_t i = 0; i < begin.size(); ++i) same &= r[i] == begin[i];
    if (same) return r;
  }
  ADD_FAILURE() << "no row " << begin[0];
  return {};
}

double value(const json& cell) {
  return cell.is_object() ? cell["value"].get<double>() : cell.get<double>();
}

TEST(Sheets, SuccessGrowsWithAttemptsAndAveragesContexts) {
  const auto sheet = sheets::success(study());
  const auto all = row(sheet, {"m", "all"});
  ASSERT_EQ(sheet.columns.size(), 3u + 5);
  EXPECT_EQ(all[2], 8) << "four problems in two contexts";
  EXPECT_DOUBLE_EQ(value(all[3]), 3.0 / 8) << "a plain; t in both";
  EXPECT_DOUBLE_EQ(value(all[4]), 4.0 / 8);
  EXPECT_DOUBLE_EQ(value(all[7]), 5.0 / 8);
  EXPECT_DOUBLE_EQ(value(row(sheet, {"n", "1"})[7]), 0.5);
  EXPECT_LE(all[7]["low"].get<double>(), 5.0 / 8);
}

TEST(Sheets, LaterAttemptsThanTheFifthHaveColumns) {
  auto s = study();
  s.trials[0].cells[0].attempts = 20;
  const auto sheet = sheets::success(s);
  EXPECT_EQ(sheet.columns.back().name, "20");
  EXPECT_EQ(sheet.columns.size(), 3u + 9) << "1 to 5, 7, 10, 15, 20";
}

TEST(Sheets, OutcomesAddUp) {
  for (const auto& r : sheets::outcomes(study()).rows) EXPECT_NEAR(value(r[3]) + value(r[4]) + value(r[5]), 1, 1e-12);
  const auto all = row(sheets::outcomes(study()), {"m", "1"});
  EXPECT_DOUBLE_EQ(value(all[3]), 0.5);
  EXPECT_DOUBLE_EQ(value(all[4]), 0.25);
}

TEST(Sheets, SpeedupsAreGeometricMeansOfTheBestOverContextsWithoutTrivialProblems) {
  const auto sheet = sheets::speedups(study());
  EXPECT_NEAR(value(row(sheet, {"m", "all"})[3]), std::cbrt(4.0), 1e-12);
  EXPECT_NEAR(value(row(sheet, {"the swarm", "all"})[3]), std::cbrt(36.0), 1e-12);
  EXPECT_NEAR(value(row(sheet, {"n", "1"})[3]), std::sqrt(3.0), 1e-12);
}

TEST(Sheets, TheSwarmIsComparedWithTheBestSingleModel) {
  const auto all = row(sheets::swarm(study()), {"all"});
  EXPECT_EQ(all[3], "compiler");
  EXPECT_NEAR(value(all[5]), std::cbrt(36.0 / 13.5), 1e-12);
}

TEST(Sheets, WhoWasBestIncludesTheOriginalAndContextsThatBeatNothing) {
  const auto models = sheets::best_models(study());
  EXPECT_DOUBLE_EQ(value(row(models, {"m", "1"})[3]), 0.5);
  EXPECT_DOUBLE_EQ(value(row(models, {"compiler", "1"})[3]), 0.5);
  EXPECT_DOUBLE_EQ(value(row(models, {"original", "2"})[3]), 0.5);
  const auto contexts = sheets::best_contexts(study());
  EXPECT_DOUBLE_EQ(value(row(contexts, {"reference", "1"})[3]), 0.5) << "a";
  EXPECT_DOUBLE_EQ(value(row(contexts, {"plain", "all"})[3]), 0.5) << "b and t, by n";
  EXPECT_DOUBLE_EQ(value(row(contexts, {"none", "all"})[3]), 0.25);
}

TEST(Sheets, FastPFallsAndBeginsWithTheCorrect) {
  const auto all = row(sheets::fast_p(study()), {"m", "all"});
  EXPECT_DOUBLE_EQ(value(all[2]), 5.0 / 8);
  for (std::size_t i = 3; i < all.size(); ++i) EXPECT_LE(value(all[i]), value(all[i - 1]));
}

TEST(Sheets, WithoutAModelTheSwarmLosesWhatOnlyItFound) {
  const auto sheet = sheets::marginal(study());
  EXPECT_NEAR(value(row(sheet, {"m", "model"})[3]), std::cbrt(4.0 / 1.5), 1e-12);
  EXPECT_NEAR(value(row(sheet, {"n", "model"})[3]), 1, 1e-12);
  EXPECT_NEAR(value(row(sheet, {"reference", "context"})[3]), std::cbrt(2.0), 1e-12);
}

TEST(Sheets, CostsAreByWinAndSaySoWhereNoneWasPaid) {
  const auto sheet = sheets::costs(study());
  ASSERT_EQ(sheet.rows.size(), 1u) << "only models that were called";
  const auto m = row(sheet, {"m"});
  EXPECT_EQ(m[1], 20);
  EXPECT_DOUBLE_EQ(m[5].get<double>(), 6);
  EXPECT_EQ(m[6], 4) << "a twice, t twice";
  EXPECT_DOUBLE_EQ(m[7].get<double>(), 1.5);
}

TEST(Sheets, AStudyWithNothingInItHasNoTablesAndFailsNowhere) {
  for (const auto& sheet : sheets_of(Study{})) EXPECT_FALSE(sheet.table().terminal(false).empty());
}

TEST(Sheet, CsvQuotesAndGivesIntervalsColumns) {
  Sheet sheet{"x", "X", "", {{"name"}, {"share", Kind::share, true}}, {}};
  sheet.rows = {{"a, \"b\"", {{"value", 0.5}, {"low", 0.25}, {"high", nullptr}}}, {"c", nullptr}};
  EXPECT_EQ(sheet.csv(), "name,share,share low,share high\r\n\"a, \"\"b\"\"\",0.5,0.25,\r\nc,,,\r\n");
  EXPECT_THAT(sheet.table().markdown(), HasSubstr("50%"));
  EXPECT_EQ(sheet.to_json()["rows"][0]["share"]["low"], 0.25);
}

}  // namespace
}  // namespace burnish
