#pragma once
#include <span>
#include <string_view>

namespace burnish::compiler {

/// How the arguments of a pointwise operator are converted, and what it makes.
enum class PointKind {
  numeric,        ///< arguments to the result's type
  real,           ///< arguments and result are float
  compare,        ///< arguments to their common type, result bool
  logical,        ///< arguments to bool, result bool
  select,         ///< the first argument to bool, the others to the result's type
  select_second,  ///< the second argument to bool (masked_fill), the others to the result's type
  bits,           ///< bool or integers, both sides of the result's type
};

/// One pointwise ATen operator: a row says all that fusion knows of it. `args` names the arguments by position, with
/// defaults (also used where null is given); `code` is C++ of one element with {0}, {1} ... for them.
struct PointOp {
  std::string_view op;
  std::string_view args;
  std::string_view code;
  PointKind kind = PointKind::numeric;
  int cost = 1;                   ///< about how many vector instructions an element takes
  std::string_view variant = {};  ///< value of the string argument that selects this row ("tanh" of gelu)
};

/// The table; docs/compiler.md prints it.
std::span<const PointOp> point_ops();
const PointOp* find_point_op(std::string_view op, std::string_view variant = {});

}  // namespace burnish::compiler
