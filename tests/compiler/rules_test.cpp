#include "compiler/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "compiler/term.h"

namespace burnish::compiler {
namespace {

std::vector<Rule> all_rules() {
  std::vector<Rule> rules(algebra().begin(), algebra().end());
  rules.insert(rules.end(), canonical_forms().begin(), canonical_forms().end());
  return rules;
}

void collect(const Term& term, std::set<std::string>& names) {
  if (term.kind == Term::Kind::tensor || term.kind == Term::Kind::constant) names.insert(term.name);
  for (const Term& arg : term.args) collect(arg, names);
}

TEST(Rules, AllParse) {
  for (const Rule& rule : all_rules()) {
    const auto pattern = parse_term(rule.pattern);
    EXPECT_TRUE(pattern) << rule.name << ": " << (pattern ? "" : to_text(pattern.error()));
    const auto replacement = parse_replacement(rule.replacement);
    EXPECT_TRUE(replacement) << rule.name << ": " << (replacement ? "" : to_text(replacement.error()));
  }
}

TEST(Rules, ReplacementsNameOnlyWhatPatternsBind) {
  for (const Rule& rule : all_rules()) {
    std::set<std::string> bound, used;
    collect(*parse_term(rule.pattern), bound);
    const auto replacement = *parse_replacement(rule.replacement);
    for (const auto& [name, term] : replacement.lets) collect(term, used);
    collect(replacement.result, used);
    for (const std::string& name : used) EXPECT_TRUE(bound.contains(name)) << rule.name << " names " << name;
  }
}

TEST(Rules, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Rule& rule : all_rules()) EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
}

TEST(Rules, AlgebraSaysWhoNeedsIt) {
  for (const Rule& rule : algebra()) EXPECT_FALSE(rule.why.empty()) << rule.name;
}

TEST(Terms, SayWhereTheirTextIsWrong) {
  EXPECT_FALSE(parse_term("mul(?x, "));
  EXPECT_FALSE(parse_term("mul(?x))"));
  EXPECT_FALSE(parse_replacement("a = mul(?x, ?x) b"));
}

TEST(Terms, MatchArgumentsByPositionNameAndDefault) {
  const auto pattern = *parse_term("sum.dim_IntList(?x, #d, keepdim:#k=false)");
  OpStep step{"aten::sum.dim_IntList", {arg_name("a"), arg_ints({1})}, {}, {"s"}};
  const Producer none = [](const std::string&) { return nullptr; };
  Match found;
  ASSERT_TRUE(match(pattern, step, none, found));
  EXPECT_EQ(as_bool(found.bound.at("k")), false);
  step.kwargs.emplace_back("keepdim", arg_bool(true));
  Match named;
  ASSERT_TRUE(match(pattern, step, none, named));
  EXPECT_EQ(as_bool(named.bound.at("k")), true);
  step.kwargs.emplace_back("dtype",
                           Arg{Arg::Literal{"dtype", "float64"}});  // a pattern that does not know it must not match
  Match other;
  EXPECT_FALSE(match(pattern, step, none, other));
}

}  // namespace
}  // namespace burnish::compiler
