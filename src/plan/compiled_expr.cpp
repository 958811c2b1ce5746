#include "plan/compiled_expr.h"

#include <fmt/format.h>

#include <array>

namespace burnish {
namespace {

using Kind = Expr::Node::Kind;
// Above the depth that Expr::parse allows; deeper trees, built by hand, are refused when compiled.
constexpr int stack_size = 256;

}  // namespace

Status CompiledExpr::emit(const Expr::Node& node, const Slots& slots, int depth) {
  if (depth >= stack_size - 1) return fail("the expression is nested too deep");
  switch (node.kind) {
    case Kind::integer:
      code_.push_back({Kind::integer, node.value});
      return {};
    case Kind::symbol:
    case Kind::numel:
    case Kind::size:
    case Kind::stride: {
      const auto slot = slots(node);
      if (!slot) return fail(fmt::format("'{}' has no value here", node.name));
      code_.push_back({Kind::symbol, static_cast<std::int64_t>(*slot)});
      return {};
    }
    case Kind::negate:
      code_.push_back({Kind::integer, 0});
      if (auto ok = emit(*node.args[0], slots, depth + 1); !ok) return ok;
      code_.push_back({Kind::sub, 0});
      return {};
    default:
      break;
  }
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    if (auto ok = emit(*node.args[i], slots, depth + (i ? 1 : 0)); !ok) return ok;
    if (i) code_.push_back({node.kind, 0});
  }
  return {};
}

Result<CompiledExpr> CompiledExpr::compile(const Expr& expr, const Slots& slots) {
  CompiledExpr flat;
  if (const auto* value = expr.constant()) {
    flat.constant_ = *value;
    return flat;
  }
  if (auto ok = flat.emit(expr.node(), slots, 0); !ok) return std::unexpected(std::move(ok.error()));
  return flat;
}

arithmetic::Value CompiledExpr::evaluate(std::span<const std::int64_t> values) const {
  if (code_.empty()) return {constant_};
  if (code_.size() == 1 && code_[0].kind == Kind::symbol) return {values[static_cast<std::size_t>(code_[0].value)]};
  std::array<std::int64_t, stack_size> stack;  // written before it is read
  std::size_t top = 0;
  for (const Instruction& instruction : code_) {
    if (instruction.kind == Kind::integer) {
      stack[top++] = instruction.value;
    } else if (instruction.kind == Kind::symbol) {
      stack[top++] = values[static_cast<std::size_t>(instruction.value)];
    } else {
      const auto applied = arithmetic::apply(instruction.kind, stack[top - 2], stack[top - 1]);
      if (applied.fault) return applied;
      stack[--top - 1] = applied.value;
    }
  }
  return {stack[0]};
}

}  // namespace burnish
