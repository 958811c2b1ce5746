#include "plan/expr.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "plan/compiled_expr.h"

namespace burnish {
namespace {

constexpr auto lowest = std::numeric_limits<std::int64_t>::min();
constexpr auto highest = std::numeric_limits<std::int64_t>::max();

Expr::Scope scope_of(const std::map<std::string, std::int64_t>& symbols) {
  Expr::Scope scope;
  scope.symbol = [symbols](const std::string& name) -> Result<std::int64_t> {
    const auto found = symbols.find(name);
    if (found == symbols.end()) return fail("no symbol " + name);
    return found->second;
  };
  scope.tensor = [](const std::string& name, std::string_view what, std::int64_t dim) -> Result<std::int64_t> {
    if (name != "x") return fail("no tensor " + name);
    if (what == "numel") return 60;
    const std::int64_t sizes[] = {3, 4, 5}, strides[] = {20, 5, 1};
    const auto at = dim < 0 ? dim + 3 : dim;
    return what == "size" ? sizes[at] : strides[at];
  };
  return scope;
}

Result<std::int64_t> value_of(std::string_view text, const std::map<std::string, std::int64_t>& symbols = {}) {
  auto expr = Expr::parse(text);
  if (!expr) return std::unexpected(expr.error());
  return expr->evaluate(scope_of(symbols));
}

std::string error_of(std::string_view text) {
  const auto expr = Expr::parse(text);
  return expr ? "parsed as " + expr->text() : to_text(expr.error());
}

TEST(Expr, FollowsTheUsualPrecedence) {
  EXPECT_EQ(value_of("1 + 2 * 3"), 7);
  EXPECT_EQ(value_of("(1 + 2) * 3"), 9);
  EXPECT_EQ(value_of("10 - 3 - 2"), 5);
  EXPECT_EQ(value_of("100 / 7 / 2"), 7);
  EXPECT_EQ(value_of("2 + 3 == 5"), 1);
  EXPECT_EQ(value_of("2 * 3 < 1 + 5"), 0);
  EXPECT_EQ(value_of("-2 * -3"), 6);
  EXPECT_EQ(value_of("- (1 + 2)"), -3);
  EXPECT_EQ(value_of("1 - -1"), 2);
}

TEST(Expr, DivisionRoundsDown) {
  EXPECT_EQ(value_of("7 / 2"), 3);
  EXPECT_EQ(value_of("-7 / 2"), -4);
  EXPECT_EQ(value_of("7 / -2"), -4);
  EXPECT_EQ(value_of("-7 / -2"), 3);
  EXPECT_EQ(value_of("-7 % 2"), 1);
  EXPECT_EQ(value_of("7 % -2"), -1);
  EXPECT_EQ(value_of("-8 % 2"), 0);
  EXPECT_EQ(value_of("cdiv(7, 2)"), 4);
  EXPECT_EQ(value_of("cdiv(-7, 2)"), -3);
  EXPECT_EQ(value_of("cdiv(8, 2)"), 4);
}

TEST(Expr, AsksForSymbolsAndTensors) {
  EXPECT_EQ(value_of("n * layer.size + m", {{"n", 2}, {"layer.size", 5}, {"m", 1}}), 11);
  EXPECT_EQ(value_of("numel(x) - size(x, 0) * stride(x, -3)"), 0);
  EXPECT_EQ(value_of("min(n, 4, size(x, -1)) + max(1, n)", {{"n", 3}}), 6);
  EXPECT_FALSE(value_of("n"));
  EXPECT_FALSE(value_of("numel(y)"));
}

TEST(Expr, OverflowIsAnErrorThatNamesTheOperation) {
  for (const char* text : {"9223372036854775807 + 1", "-9223372036854775808 - 1", "9223372036854775807 * 2",
                           "-9223372036854775808 / -1", "cdiv(-9223372036854775808, -1)", "-n"}) {
    const auto value = value_of(text, {{"n", lowest}});
    ASSERT_FALSE(value) << text;
    EXPECT_NE(value.error().what.find("overflow"), std::string::npos) << value.error().what;
  }
  EXPECT_EQ(value_of("-9223372036854775808 % -1"), 0);
  EXPECT_EQ(value_of("-9223372036854775808"), lowest);
  EXPECT_EQ(value_of("9223372036854775807"), highest);
  for (const char* text : {"1 / 0", "1 % 0", "cdiv(1, 0)", "1 / (n - n)"}) {
    const auto value = value_of(text, {{"n", 3}});
    ASSERT_FALSE(value) << text;
    EXPECT_NE(value.error().what.find("division by zero"), std::string::npos) << value.error().what;
  }
}

TEST(Expr, ErrorsSayTheColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "col 1"},
      {"n +", "col 4"},
      {"n + * 2", "col 5"},
      {"n + (2", "col 7"},
      {"n 2", "col 3"},
      {"n + 2)", "too many"},
      {"9223372036854775808", "col 1"},
      {"99999999999999999999999", "64 bits"},
      {"1.5", "col 2"},
      {"2n", "col 2"},
      {"f(n)", "no function 'f'"},
      {"size(x)", "a tensor and a dimension"},
      {"size(x, n)", "plain integer"},
      {"numel(3)", "name of a tensor"},
      {"cdiv(1, 2, 3)", "got 3"},
      {"max(1)", "got 1"},
      {"0 < n < 4", "do not chain"},
      {"n & 3", "col 3"},
      {"n \xc3\xa4", "byte 0x"},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << " -> " << error_of(text);
}

TEST(Expr, DeepAndLongTextsAreRefused) {
  for (const std::string& text :
       {std::string(1000, '(') + "1" + std::string(1000, ')'), std::string(1000, '-') + "n", std::string(5000, '1')})
    EXPECT_FALSE(Expr::parse(text));
  std::string chain = "n";
  for (int i = 0; i < 500; ++i) chain += " + n";
  EXPECT_NE(error_of(chain).find("nested"), std::string::npos) << error_of(chain);
}

TEST(Expr, PrintsWithTheFewestParentheses) {
  const std::pair<const char*, const char*> cases[] = {{"((1 + n)) * 3", "(1 + n) * 3"},
                                                       {"a - (b - c)", "a - (b - c)"},
                                                       {"(a - b) - c", "a - b - c"},
                                                       {"a*(b/c)", "a * (b / c)"},
                                                       {"-(n+1)", "-(n + 1)"},
                                                       {"- 5", "-5"},
                                                       {"--n", "--n"},
                                                       {"(a<b)==(c<d)", "(a < b) == (c < d)"},
                                                       {"size( x ,-1 )", "size(x, -1)"},
                                                       {"max(a,(b),3)", "max(a, b, 3)"}};
  for (const auto& [text, expected] : cases) {
    const auto expr = Expr::parse(text);
    ASSERT_TRUE(expr) << text;
    EXPECT_EQ(expr->text(), expected);
    EXPECT_EQ(Expr::parse(expr->text())->text(), expected);
  }
}

TEST(Expr, KnowsConstantsSymbolsAndTensors) {
  const auto expr = *Expr::parse("n * size(x, 0) + m - n + numel(y)");
  EXPECT_EQ(expr.symbols(), (std::vector<std::string>{"n", "m"}));
  EXPECT_EQ(expr.tensors(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(expr.constant(), nullptr);
  EXPECT_EQ(expr.symbol(), nullptr);
  EXPECT_EQ(*Expr::parse("n")->symbol(), "n");
  EXPECT_EQ(*Expr::parse("-(7)")->constant(), -7);
  EXPECT_EQ(Expr(4), *Expr::parse("4"));
}

TEST(CompiledExpr, AgreesWithTheTree) {
  const std::map<std::string, std::int64_t> symbols = {{"n", 7}, {"m", -3}};
  const std::int64_t slots[] = {7, -3, 60};
  const CompiledExpr::Slots find = [](const Expr::Node& leaf) -> std::optional<std::size_t> {
    if (leaf.kind == Expr::Node::Kind::numel) return 2;
    if (leaf.name == "n" || leaf.name == "m") return leaf.name == "n" ? 0 : 1;
    return std::nullopt;
  };
  for (const char* text : {"5", "n", "-n", "n / m", "n % m", "cdiv(n, m) * max(n, m, 9) - numel(x)",
                           "(n < m) == (m > n)", "1 / (n - 7)"}) {
    const auto expr = *Expr::parse(text);
    const auto compiled = CompiledExpr::compile(expr, find);
    ASSERT_TRUE(compiled) << text;
    const auto tree = expr.evaluate(scope_of(symbols));
    const auto flat = compiled->evaluate(slots);
    EXPECT_EQ(tree.has_value(), flat.fault == nullptr) << text;
    EXPECT_EQ(tree.value_or(0), flat.fault ? 0 : flat.value) << text;
  }
  EXPECT_FALSE(CompiledExpr::compile(*Expr::parse("k"), find));
}

}  // namespace
}  // namespace burnish
