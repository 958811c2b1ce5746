#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include <vector>

#include "runtime/instructions.h"

namespace burnish {

/// What one call of a plan works on. Frames are reused, never shared by two calls at a time.
struct Frame {
  std::vector<at::Tensor> slots;
  std::vector<std::int64_t> symbols;
  torch::jit::Stack stack;
  const at::Tensor* fixed = nullptr;

  const at::Tensor& at(Operand operand) const {
    return operand.index >= 0 ? slots[static_cast<std::size_t>(operand.index)] : fixed[~operand.index];
  }
};

/// A failure of a running plan: `what` is a clear sentence. Thrown inside the executor only; Bound::run returns it as
/// an Error.
struct RunFailure {
  std::string what, reason;
};

/// The value of an expression in a call; throws RunFailure on overflow, division by zero or a dimension out of range.
std::int64_t evaluate_code(const FlatExpr& expr, const Frame& frame);
inline std::int64_t evaluate(const FlatExpr& expr, const Frame& frame) {
  if (expr.kind == FlatExpr::Kind::constant) return expr.value;
  if (expr.kind == FlatExpr::Kind::symbol) return frame.symbols[static_cast<std::size_t>(expr.value)];
  return evaluate_code(expr, frame);
}

}  // namespace burnish
