#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

#include "plan/expr.h"

/// The arithmetic of expressions, in one place: the tree evaluator and the compiled one (plan/compiled_expr.h) share
/// it.
namespace burnish::arithmetic {

/// `fault` is null, or says what went wrong: "overflow" or "division by zero".
struct Value {
  std::int64_t value = 0;
  const char* fault = nullptr;
};

inline constexpr const char* overflow = "overflow of 64 bits";
inline constexpr const char* by_zero = "division by zero";

/// Floor division; `lowest / -1` is the only quotient that does not fit.
inline Value floor_div(std::int64_t a, std::int64_t b) {
  if (b == 0) return {0, by_zero};
  if (a == std::numeric_limits<std::int64_t>::min() && b == -1) return {0, overflow};
  const std::int64_t quotient = a / b;
  return {quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0)};
}

/// The remainder of floor division: it has the divisor's sign.
inline Value floor_mod(std::int64_t a, std::int64_t b) {
  if (b == 0) return {0, by_zero};
  if (b == -1) return {0};
  const std::int64_t remainder = a % b;
  return {remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder};
}

inline Value ceil_div(std::int64_t a, std::int64_t b) {
  if (b == 0) return {0, by_zero};
  if (a == std::numeric_limits<std::int64_t>::min() && b == -1) return {0, overflow};
  const std::int64_t quotient = a / b;
  return {quotient + ((a % b != 0 && (a < 0) == (b < 0)) ? 1 : 0)};
}

/// Applies a binary kind; comparisons give 0 or 1. Kinds that are not binary do not come here.
inline Value apply(Expr::Node::Kind kind, std::int64_t a, std::int64_t b) {
  using Kind = Expr::Node::Kind;
  Value out;
  bool overflowed = false;
  switch (kind) {
    case Kind::add:
      overflowed = __builtin_add_overflow(a, b, &out.value);
      break;
    case Kind::sub:
      overflowed = __builtin_sub_overflow(a, b, &out.value);
      break;
    case Kind::mul:
      overflowed = __builtin_mul_overflow(a, b, &out.value);
      break;
    case Kind::div:
      return floor_div(a, b);
    case Kind::mod:
      return floor_mod(a, b);
    case Kind::cdiv:
      return ceil_div(a, b);
    case Kind::min:
      return {std::min(a, b)};
    case Kind::max:
      return {std::max(a, b)};
    case Kind::eq:
      return {a == b};
    case Kind::ne:
      return {a != b};
    case Kind::lt:
      return {a < b};
    case Kind::le:
      return {a <= b};
    case Kind::gt:
      return {a > b};
    case Kind::ge:
      return {a >= b};
    default:
      return {0, "no such operation"};
  }
  if (overflowed) out.fault = overflow;
  return out;
}

}  // namespace burnish::arithmetic
