#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace burnish {

/// An integer expression of a plan: integers, symbols, numel(t) size(t, d) stride(t, d) min max cdiv, + - * / %,
/// parentheses, comparisons (== != < <= > >=). `/` and `%` floor. Parsed once; evaluation checks overflow and division
/// by zero.
class Expr {
 public:
  Expr() : Expr(0) {}
  Expr(std::int64_t value);  // NOLINT: an integer is an expression
  static Result<Expr> parse(std::string_view text);

  /// What an expression may ask of its surroundings while it is evaluated.
  struct Scope {
    std::function<Result<std::int64_t>(const std::string& symbol)> symbol;
    std::function<Result<std::int64_t>(const std::string& tensor, std::string_view what, std::int64_t dim)>
        tensor;  ///< what: numel size stride
  };
  Result<std::int64_t> evaluate(const Scope& scope) const;

  /// The value, where the expression is one integer literal.
  const std::int64_t* constant() const;
  /// The symbol, where the expression is one bare symbol.
  const std::string* symbol() const;
  /// Symbols and tensor names that are mentioned, in order, each once.
  std::vector<std::string> symbols() const;
  std::vector<std::string> tensors() const;
  /// Text that parses back to the same expression.
  std::string text() const;

  struct Node;
  /// Of a tree that somebody built; it must have the arguments that its kinds want.
  explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  const Node& node() const { return *node_; }
  friend bool operator==(const Expr& a, const Expr& b) { return a.text() == b.text(); }

 private:
  std::shared_ptr<const Node> node_;
};

/// One node of an expression's tree; the runtime compiles trees to its own form, so the tree is public.
struct Expr::Node {
  enum class Kind {
    integer,
    symbol,
    numel,
    size,
    stride,
    add,
    sub,
    mul,
    div,
    mod,
    min,
    max,
    cdiv,
    eq,
    ne,
    lt,
    le,
    gt,
    ge,
    negate
  } kind;
  std::int64_t value = 0;  ///< integer; the dimension of size and stride
  std::string name;        ///< symbol; tensor of numel, size, stride
  std::vector<std::shared_ptr<const Node>> args;
};

/// Appends a name that the list lacks.
void add_once(std::vector<std::string>& names, const std::string& name);

}  // namespace burnish
