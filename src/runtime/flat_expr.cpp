#include <array>

#include "plan/arithmetic.h"
#include "runtime/frame.h"
#include "runtime/scope.h"

namespace burnish {
namespace {

using Kind = Expr::Node::Kind;
constexpr int deepest = 64;  ///< values on the evaluator's stack

class Flattener {
 public:
  explicit Flattener(Scope& scope) : scope_(scope) {}

  /// Appends a node's code; `depth` values lie below it on the stack.
  Status add(const Expr::Node& node, int depth) {
    if (depth >= deepest) return fail("an expression is nested too deeply", {}, "split it", "plan");
    switch (node.kind) {
      case Kind::integer:
        return push({node.kind, node.value, {}});
      case Kind::symbol: {
        const auto it = scope_.symbols.find(node.name);
        if (it == scope_.symbols.end())
          return fail("no symbol is called \"" + node.name + "\"", {},
                      "a symbol is a bare name in an input's shape, or a loop's variable", "plan");
        if (it->second.known) return push({Kind::integer, it->second.value, {}});
        return push({node.kind, it->second.value, {}});
      }
      case Kind::numel:
      case Kind::size:
      case Kind::stride: {
        TRY(operand, scope_.tensor(node.name));
        return push({node.kind, node.value, operand});
      }
      default:
        break;
    }
    if (auto ok = add(*node.args[0], depth); !ok) return ok;
    if (node.args.size() == 1) return fold(node.kind, 1);
    for (std::size_t i = 1; i < node.args.size(); ++i) {  // min and max take any number
      if (auto ok = add(*node.args[i], depth + 1); !ok) return ok;
      if (auto ok = fold(node.kind, 2); !ok) return ok;
    }
    return {};
  }

  std::vector<FlatExpr::Item> code;

 private:
  Status push(FlatExpr::Item item) {
    code.push_back(item);
    return {};
  }

  Status fold(Kind kind, std::size_t arity) {
    const bool known = code.size() >= arity && std::all_of(code.end() - static_cast<std::ptrdiff_t>(arity), code.end(),
                                                           [](const auto& item) { return item.kind == Kind::integer; });
    if (!known) return push({kind, 0, {}});
    const std::int64_t right = code.back().value, left = arity == 2 ? code[code.size() - 2].value : 0;
    const auto value = arity == 2 ? arithmetic::apply(kind, left, right) : arithmetic::apply(Kind::sub, 0, right);
    if (value.fault) return fail(std::string("an expression has an ") + value.fault, {}, "correct it", "plan");
    code.resize(code.size() - arity);
    return push({Kind::integer, value.value, {}});
  }

  Scope& scope_;
};

std::int64_t ask(const FlatExpr::Item& item, const at::Tensor& tensor) {
  if (!tensor.defined()) throw RunFailure{"an expression asks the size of a tensor that is null", "plan"};
  if (item.kind == Kind::numel) return tensor.numel();
  const std::int64_t dim = item.value < 0 ? item.value + tensor.dim() : item.value;
  if (dim < 0 || dim >= tensor.dim())
    throw RunFailure{"an expression asks for dimension " + std::to_string(item.value) + " of a tensor of " +
                         std::to_string(tensor.dim()) + " dimensions",
                     "plan"};
  return item.kind == Kind::size ? tensor.sizes()[static_cast<std::size_t>(dim)]
                                 : tensor.strides()[static_cast<std::size_t>(dim)];
}

}  // namespace

Result<FlatExpr> flatten(const Expr& expr, Scope& scope) {
  Flattener flattener(scope);
  if (auto ok = flattener.add(expr.node(), 0); !ok) return inside("expression \"" + expr.text() + "\"", ok.error());
  FlatExpr flat;
  if (flattener.code.size() == 1 && flattener.code[0].kind == Kind::integer) {
    flat.value = flattener.code[0].value;
  } else if (flattener.code.size() == 1 && flattener.code[0].kind == Kind::symbol) {
    flat.kind = FlatExpr::Kind::symbol;
    flat.value = flattener.code[0].value;
  } else {
    flat.kind = FlatExpr::Kind::code;
    flat.code = std::move(flattener.code);
  }
  return flat;
}

std::int64_t evaluate_code(const FlatExpr& expr, const Frame& frame) {
  std::array<std::int64_t, deepest + 2> stack;
  std::size_t top = 0;  // the number of values
  for (const auto& item : expr.code) {
    switch (item.kind) {
      case Kind::integer:
        stack[top++] = item.value;
        continue;
      case Kind::symbol:
        stack[top++] = frame.symbols[static_cast<std::size_t>(item.value)];
        continue;
      case Kind::numel:
      case Kind::size:
      case Kind::stride:
        stack[top++] = ask(item, frame.at(item.tensor));
        continue;
      default:
        break;
    }
    const bool unary = item.kind == Kind::negate;
    const std::int64_t right = stack[--top];
    const auto value =
        unary ? arithmetic::apply(Kind::sub, 0, right) : arithmetic::apply(item.kind, stack[--top], right);
    if (value.fault) throw RunFailure{std::string("an expression has an ") + value.fault, "plan"};
    stack[top++] = value.value;
  }
  return stack[0];
}

}  // namespace burnish
