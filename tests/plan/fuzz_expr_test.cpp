#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>

#include "plan/compiled_expr.h"
#include "plan/expr.h"
#include "plan/mutate.h"

namespace burnish {
namespace {

using Kind = Expr::Node::Kind;
__extension__ using Wide = __int128;

constexpr std::array<std::int64_t, 12> edges = {0,
                                                1,
                                                -1,
                                                2,
                                                -2,
                                                3,
                                                7,
                                                64,
                                                std::numeric_limits<std::int64_t>::max(),
                                                std::numeric_limits<std::int64_t>::min(),
                                                1LL << 32,
                                                -(1LL << 31)};
constexpr std::array<const char*, 3> names = {"n", "m", "k"};

std::optional<Wide> fitting(Wide value) {
  if (value > std::numeric_limits<std::int64_t>::max() || value < std::numeric_limits<std::int64_t>::min())
    return std::nullopt;
  return value;
}

Wide floor_div(Wide a, Wide b) {
  const Wide q = a / b;
  return q * b != a && ((a < 0) != (b < 0)) ? q - 1 : q;
}

/// An independent evaluator in 128 bits: none where a result does not fit in 64 or something is divided by zero.
std::optional<Wide> reference(const Expr::Node& node, const std::array<std::int64_t, 3>& values) {
  if (node.kind == Kind::integer) return node.value;
  if (node.kind == Kind::symbol)
    return values[static_cast<std::size_t>(std::find(names.begin(), names.end(), node.name) - names.begin())];
  std::vector<Wide> args;
  for (const auto& arg : node.args) {
    const auto value = reference(*arg, values);
    if (!value) return std::nullopt;
    args.push_back(*value);
  }
  const auto a = args[0], b = args.size() > 1 ? args[1] : 0;
  switch (node.kind) {
    case Kind::add:
      return fitting(a + b);
    case Kind::sub:
      return fitting(a - b);
    case Kind::mul:
      return fitting(a * b);
    case Kind::negate:
      return fitting(-a);
    case Kind::div:
      return b == 0 ? std::nullopt : fitting(floor_div(a, b));
    case Kind::mod:
      return b == 0 ? std::nullopt : fitting(a - floor_div(a, b) * b);
    case Kind::cdiv:
      return b == 0 ? std::nullopt : fitting(-floor_div(-a, b));
    case Kind::min:
      return *std::min_element(args.begin(), args.end());
    case Kind::max:
      return *std::max_element(args.begin(), args.end());
    case Kind::eq:
      return a == b;
    case Kind::ne:
      return a != b;
    case Kind::lt:
      return a < b;
    case Kind::le:
      return a <= b;
    case Kind::gt:
      return a > b;
    case Kind::ge:
      return a >= b;
    default:
      return std::nullopt;
  }
}

std::string random_text(Random& random, int depth) {
  constexpr std::array<const char*, 11> operators = {" + ", "-", " * ", "/", " % ", "==", " != ", "<", "<=", ">", ">="};
  const auto sub = [&] { return random_text(random, depth - 1); };
  if (depth == 0 || below(random, 5) == 0)
    return below(random, 2) ? names[below(random, names.size())]
                            : fmt::format("({})", edges[below(random, edges.size())]);
  switch (below(random, 6)) {
    case 0:
      return fmt::format("-{}", sub());
    case 1:
      return fmt::format("cdiv({},{})", sub(), sub());
    case 2:
      return fmt::format("{}({}, {}, {})", below(random, 2) ? "min" : "max", sub(), sub(), sub());
    case 3:
      return fmt::format("({})", sub());
    default:
      return fmt::format("({}{}{})", sub(), operators[below(random, operators.size())], sub());
  }
}

void expect_agreement(const Expr& expr, const std::array<std::int64_t, 3>& values, const std::string& text) {
  Expr::Scope scope;
  const auto index = [](const std::string& name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  scope.symbol = [&](const std::string& name) -> Result<std::int64_t> { return values[index(name)]; };
  const auto compiled = CompiledExpr::compile(
      expr, [&](const Expr::Node& leaf) -> std::optional<std::size_t> { return index(leaf.name); });
  ASSERT_TRUE(compiled) << text;
  const auto expected = reference(expr.node(), values);
  const auto tree = expr.evaluate(scope);
  const auto flat = compiled->evaluate(values);
  ASSERT_EQ(tree.has_value(), expected.has_value()) << text;
  ASSERT_EQ(flat.fault == nullptr, expected.has_value()) << text;
  if (!expected) return;
  ASSERT_TRUE(*tree == *expected) << text << " is " << *tree;
  ASSERT_TRUE(flat.value == *expected) << text << " is " << flat.value;
}

TEST(FuzzExpr, EvaluatorsAgreeWithOneIn128Bits) {
  Random random(3);
  std::size_t defined = 0;
  const auto rounds = fuzz_for(fuzz_seconds(1.5), [&](std::size_t) {
    const std::string text = random_text(random, 4);
    const auto expr = Expr::parse(text);
    ASSERT_TRUE(expr) << text << to_text(expr.error());
    const auto again = Expr::parse(expr->text());
    ASSERT_TRUE(again) << expr->text();
    ASSERT_EQ(again->text(), expr->text());
    std::array<std::int64_t, 3> values;
    for (auto& value : values)
      value =
          below(random, 3) ? edges[below(random, edges.size())] : static_cast<std::int64_t>(below(random, 100)) - 50;
    expect_agreement(*expr, values, text);
    expect_agreement(*again, values, text);
    defined += reference(expr->node(), values).has_value();
  });
  EXPECT_GT(defined, rounds / 4);
  EXPECT_LT(defined, rounds);
}

TEST(FuzzExpr, AnyTextParsesOrIsRefused) {
  Random random(4);
  fuzz_for(fuzz_seconds(1), [&](std::size_t) {
    const std::string text = mutate_bytes(random_text(random, 3), random);
    const auto expr = Expr::parse(text);
    if (expr) {
      ASSERT_TRUE(Expr::parse(expr->text())) << text;
    } else {
      ASSERT_FALSE(expr.error().what.empty()) << text;
    }
  });
}

}  // namespace
}  // namespace burnish
