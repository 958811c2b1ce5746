#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/instructions.h"

namespace burnish {

/// Names of tensors and symbols while a list of steps is compiled. A function's body has a scope of its own.
class Scope {
 public:
  virtual ~Scope() = default;

  /// The operand of a tensor in scope; an error names the tensor.
  Result<Operand> tensor(const std::string& name) {
    if (const auto it = tensors.find(name); it != tensors.end()) return it->second;
    if (auto found = outer(name)) return *found;
    return fail("no tensor is called \"" + name + "\" here", {},
                "use a name that an input, a parameter or a step before gives", "plan");
  }
  /// A symbol's value where it is known while compiling (a loop variable), else its number.
  struct Symbol {
    bool known;
    std::int64_t value;
  };
  std::map<std::string, Operand> tensors;
  std::map<std::string, Symbol> symbols;
  std::set<std::string>
      writable;  ///< made by empty, zero or a function's own allocation: mutating operators may write them

 protected:
  virtual std::optional<Operand> outer(const std::string&) { return std::nullopt; }
};

/// Compiles an expression in a scope, folding what is constant.
Result<FlatExpr> flatten(const Expr& expr, Scope& scope);

}  // namespace burnish
