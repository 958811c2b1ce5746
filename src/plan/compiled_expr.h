#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "plan/arithmetic.h"
#include "plan/expr.h"

namespace burnish {

/// An expression as a short postfix program over an array of values, for places where it is evaluated at every call.
/// Evaluation allocates nothing and does not recurse.
class CompiledExpr {
 public:
  /// Answers in which place of the array a leaf (symbol, numel, size, stride) lies; none where it is unknown.
  using Slots = std::function<std::optional<std::size_t>(const Expr::Node& leaf)>;

  CompiledExpr() = default;  ///< the integer 0
  /// An error where a leaf is unknown.
  static Result<CompiledExpr> compile(const Expr& expr, const Slots& slots);

  /// The value, or a fault ("overflow of 64 bits", "division by zero"). `values` must reach every slot of the leaves.
  arithmetic::Value evaluate(std::span<const std::int64_t> values) const;

  bool is_constant() const { return code_.empty(); }

 private:
  struct Instruction {
    Expr::Node::Kind kind;  ///< integer pushes `value`, symbol pushes the slot `value`, others take two and push one
    std::int64_t value;
  };
  Status emit(const Expr::Node& node, const Slots& slots, int depth);

  std::vector<Instruction> code_;  ///< empty for a constant
  std::int64_t constant_ = 0;
};

}  // namespace burnish
