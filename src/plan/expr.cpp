#include "plan/expr.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "plan/arithmetic.h"
#include "plan/names.h"

namespace burnish {
namespace {

using Node = Expr::Node;
using Kind = Node::Kind;
using NodePtr = std::shared_ptr<const Node>;

// A tree is walked by recursion, so its depth is bounded; 200 is far above what a plan needs and far below a stack's
// end.
constexpr int max_depth = 200;
constexpr std::size_t max_length = 4096;

struct Operator {
  std::string_view text;
  Kind kind;
  int precedence;
};
// Longer texts stand before their prefixes: the reader takes the first match.
constexpr std::array<Operator, 11> operators = {{{"==", Kind::eq, 1},
                                                 {"!=", Kind::ne, 1},
                                                 {"<=", Kind::le, 1},
                                                 {">=", Kind::ge, 1},
                                                 {"<", Kind::lt, 1},
                                                 {">", Kind::gt, 1},
                                                 {"+", Kind::add, 2},
                                                 {"-", Kind::sub, 2},
                                                 {"*", Kind::mul, 3},
                                                 {"/", Kind::div, 3},
                                                 {"%", Kind::mod, 3}}};
constexpr int unary_precedence = 4;

const Operator* find_operator(Kind kind) {
  const auto found = std::ranges::find(operators, kind, &Operator::kind);
  return found == operators.end() ? nullptr : &*found;
}

struct Builtin {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Builtin, 6> functions = {{{"numel", Kind::numel},
                                               {"size", Kind::size},
                                               {"stride", Kind::stride},
                                               {"min", Kind::min},
                                               {"max", Kind::max},
                                               {"cdiv", Kind::cdiv}}};

std::string_view function_name(Kind kind) {
  const auto found = std::ranges::find(functions, kind, &Builtin::kind);
  return found == functions.end() ? std::string_view{} : found->name;
}

/// A character for a message; half of a UTF-8 sequence must not get into one.
std::string shown(char c) {
  if (c > ' ' && c <= '~') return fmt::format("'{}'", c);
  return fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c) || c == '.';
}

NodePtr make(Kind kind, std::vector<NodePtr> args) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->args = std::move(args);
  return node;
}

NodePtr make_integer(std::int64_t value) {
  auto node = std::make_shared<Node>();
  node->kind = Kind::integer;
  node->value = value;
  return node;
}

/// A subtree and its depth, so that long chains such as 1 + 1 + ... are refused before they get deep.
struct Tree {
  NodePtr node;
  int depth = 1;
};

/// Precedence climbing over the text itself; columns in errors count from 1.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Tree> whole() {
    if (text_.size() > max_length)
      return fail(fmt::format("an expression of {} characters is too long", text_.size()), {},
                  fmt::format("keep it under {} characters", max_length));
    TRY(tree, binary(1, 0));
    skip_space();
    if (at_ < text_.size()) {
      if (text_[at_] == ')') return error("there is a ')' too many");
      return error(fmt::format("{} is not expected here", shown(text_[at_])), "write an operator between two values");
    }
    return std::move(tree);
  }

 private:
  std::unexpected<Error> error(std::string what, std::string todo = {}) const {
    return fail(fmt::format("col {} of '{}': {}", at_ + 1, shorten(text_, 120), what), {}, std::move(todo));
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Status expect(char c, std::string_view after) {
    if (take(c)) return {};
    return error(fmt::format("'{}' is missing after {}", c, after));
  }

  const Operator* peek_operator() {
    skip_space();
    for (const Operator& op : operators)
      if (text_.substr(at_).starts_with(op.text)) return &op;
    return nullptr;
  }

  Result<Tree> join(Kind kind, Tree a, Tree b) const {
    const int depth = 1 + std::max(a.depth, b.depth);
    if (depth > max_depth) return error(fmt::format("more than {} operations are nested", max_depth), "split it");
    return Tree{make(kind, {std::move(a.node), std::move(b.node)}), depth};
  }

  Result<Tree> binary(int least, int nesting) {
    TRY(left, unary(nesting));
    Tree tree = std::move(left);
    while (const Operator* op = peek_operator()) {
      if (op->precedence < least) break;
      at_ += op->text.size();
      TRY(right, binary(op->precedence + 1, nesting));
      TRY(joined, join(op->kind, std::move(tree), std::move(right)));
      tree = std::move(joined);
      if (op->precedence == 1) {
        const Operator* next = peek_operator();
        if (next && next->precedence == 1)
          return error("comparisons do not chain", "write two conditions, or parentheses");
      }
    }
    return tree;
  }

  Result<Tree> unary(int nesting) {
    if (nesting > max_depth) return error(fmt::format("more than {} levels are nested", max_depth), "split it");
    skip_space();
    if (at_ >= text_.size()) return error(text_.empty() ? "the expression is empty" : "a value is missing at the end");
    if (!take('-')) return primary(nesting);
    skip_space();
    if (at_ < text_.size() && is_digit(text_[at_])) return integer(true);
    TRY(inner, unary(nesting + 1));
    std::int64_t negated = 0;
    if (inner.node->kind == Kind::integer && !__builtin_sub_overflow(std::int64_t{0}, inner.node->value, &negated))
      return Tree{make_integer(negated), 1};
    if (inner.depth + 1 > max_depth) return error(fmt::format("more than {} levels are nested", max_depth), "split it");
    return Tree{make(Kind::negate, {inner.node}), inner.depth + 1};
  }

  Result<Tree> primary(int nesting) {
    const char c = text_[at_];
    if (is_digit(c)) return integer(false);
    if (starts_name(c)) return named(nesting);
    if (!take('('))
      return error(fmt::format("{} does not begin a value", shown(c)),
                   "use integers, symbols, numel(t), size(t, d), stride(t, d), min, max, cdiv");
    TRY(inner, binary(1, nesting + 1));
    if (auto ok = expect(')', "the parenthesis that was opened"); !ok) return std::unexpected(ok.error());
    return std::move(inner);
  }

  Result<Tree> integer(bool negative) {
    const std::size_t begin = at_;
    std::uint64_t magnitude = 0;
    bool overflow = false;
    for (; at_ < text_.size() && is_digit(text_[at_]); ++at_) {
      overflow |= __builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude);
      overflow |= __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(text_[at_] - '0'), &magnitude);
    }
    if (at_ < text_.size() && (continues_name(text_[at_])))
      return error(fmt::format("{} follows an integer", shown(text_[at_])),
                   "expressions have integers only, and names begin with a letter");
    const std::uint64_t limit = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
    if (overflow || magnitude > limit) {
      at_ = begin;
      return error("the integer does not fit in 64 bits");
    }
    return Tree{
        make_integer(negative ? static_cast<std::int64_t>(0 - magnitude) : static_cast<std::int64_t>(magnitude)), 1};
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Result<Tree> named(int nesting) {
    const std::size_t begin = at_;
    const std::string_view word = name();
    if (!take('(')) {
      auto node = std::make_shared<Node>();
      node->kind = Kind::symbol;
      node->name = word;
      return Tree{std::move(node), 1};
    }
    const auto function = std::ranges::find(functions, word, &Builtin::name);
    if (function == functions.end()) {
      at_ = begin;
      return error(fmt::format("there is no function '{}'", word),
                   "the functions are numel(t), size(t, d), stride(t, d), min, max and cdiv");
    }
    const bool of_tensor =
        function->kind == Kind::numel || function->kind == Kind::size || function->kind == Kind::stride;
    return of_tensor ? tensor_function(*function) : arithmetic_function(*function, nesting);
  }

  Result<Tree> tensor_function(const Builtin& function) {
    skip_space();
    if (at_ >= text_.size() || !starts_name(text_[at_]))
      return error(fmt::format("{} wants the name of a tensor", function.name));
    auto node = std::make_shared<Node>();
    node->kind = function.kind;
    node->name = name();
    if (function.kind != Kind::numel) {
      if (!take(','))
        return error(fmt::format("{} wants a tensor and a dimension", function.name),
                     fmt::format("write {}({}, 0)", function.name, node->name));
      const bool negative = take('-');
      skip_space();
      if (at_ >= text_.size() || !is_digit(text_[at_]))
        return error(fmt::format("the dimension of {} is a plain integer", function.name));
      TRY(dimension, integer(negative));
      node->value = dimension.node->value;
    }
    if (auto ok = expect(')', function.name); !ok) return std::unexpected(ok.error());
    return Tree{std::move(node), 1};
  }

  Result<Tree> arithmetic_function(const Builtin& function, int nesting) {
    std::vector<NodePtr> args;
    int depth = 0;
    do {
      TRY(arg, binary(1, nesting + 1));
      depth = std::max(depth, arg.depth);
      args.push_back(std::move(arg.node));
    } while (take(','));
    if (auto ok = expect(')', fmt::format("the arguments of {}", function.name)); !ok)
      return std::unexpected(ok.error());
    if (args.size() < 2 || (function.kind == Kind::cdiv && args.size() != 2))
      return error(fmt::format("{} wants {} arguments and got {}", function.name,
                               function.kind == Kind::cdiv ? "two" : "at least two", args.size()));
    if (depth + 1 > max_depth) return error(fmt::format("more than {} levels are nested", max_depth), "split it");
    return Tree{make(function.kind, std::move(args)), depth + 1};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void print(const Node& node, int least, std::string& out);

void print_args(const Node& node, std::string& out) {
  out += function_name(node.kind);
  out += '(';
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    if (i) out += ", ";
    print(*node.args[i], 1, out);
  }
  out += ')';
}

/// Appends `node`, in parentheses where its operator binds weaker than `least`.
void print(const Node& node, int least, std::string& out) {
  switch (node.kind) {
    case Kind::integer:
      out += fmt::format("{}", node.value);
      return;
    case Kind::symbol:
      out += node.name;
      return;
    case Kind::numel:
      out += fmt::format("numel({})", node.name);
      return;
    case Kind::size:
    case Kind::stride:
      out += fmt::format("{}({}, {})", function_name(node.kind), node.name, node.value);
      return;
    case Kind::min:
    case Kind::max:
    case Kind::cdiv:
      print_args(node, out);
      return;
    case Kind::negate:
      out += '-';
      print(*node.args[0], unary_precedence, out);
      return;
    default:
      break;
  }
  const Operator& op = *find_operator(node.kind);
  const bool parenthesised = op.precedence < least;
  if (parenthesised) out += '(';
  // Comparisons do not chain, so both of their sides must bind tighter; the others associate to the left.
  print(*node.args[0], op.precedence == 1 ? 2 : op.precedence, out);
  out += ' ';
  out += op.text;
  out += ' ';
  print(*node.args[1], op.precedence + 1, out);
  if (parenthesised) out += ')';
}

std::string to_text(const Node& node) {
  std::string out;
  print(node, 1, out);
  return out;
}

Result<std::int64_t> evaluate_node(const Node& node, const Expr::Scope& scope) {
  switch (node.kind) {
    case Kind::integer:
      return node.value;
    case Kind::symbol:
      if (!scope.symbol) return fail(fmt::format("'{}' has no value here", node.name));
      return scope.symbol(node.name);
    case Kind::numel:
    case Kind::size:
    case Kind::stride:
      if (!scope.tensor) return fail(fmt::format("'{}' has no value here", to_text(node)));
      return scope.tensor(node.name, function_name(node.kind), node.value);
    default:
      break;
  }
  TRY(first, evaluate_node(*node.args[0], scope));
  std::int64_t value = first;
  if (node.kind == Kind::negate) {
    const auto negated = arithmetic::apply(Kind::sub, 0, value);
    if (!negated.fault) return negated.value;
    return fail(fmt::format("{} in '{}'", negated.fault, to_text(node)));
  }
  for (std::size_t i = 1; i < node.args.size(); ++i) {
    TRY(next, evaluate_node(*node.args[i], scope));
    const auto applied = arithmetic::apply(node.kind, value, next);
    if (applied.fault) return fail(fmt::format("{} in '{}'", applied.fault, to_text(node)));
    value = applied.value;
  }
  return value;
}

template <class Visit>
void walk(const Node& node, const Visit& visit) {
  visit(node);
  for (const NodePtr& arg : node.args) walk(*arg, visit);
}

bool of_tensor(const Node& node) {
  return node.kind == Kind::numel || node.kind == Kind::size || node.kind == Kind::stride;
}

}  // namespace

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

Expr::Expr(std::int64_t value) : node_(make_integer(value)) {}

Result<Expr> Expr::parse(std::string_view text) {
  TRY(tree, Parser(text).whole());
  return Expr(std::move(tree.node));
}

Result<std::int64_t> Expr::evaluate(const Scope& scope) const {
  return evaluate_node(*node_, scope);
}

const std::int64_t* Expr::constant() const {
  return node_->kind == Kind::integer ? &node_->value : nullptr;
}

const std::string* Expr::symbol() const {
  return node_->kind == Kind::symbol ? &node_->name : nullptr;
}

std::vector<std::string> Expr::symbols() const {
  std::vector<std::string> names;
  walk(*node_, [&](const Node& node) {
    if (node.kind == Kind::symbol) add_once(names, node.name);
  });
  return names;
}

std::vector<std::string> Expr::tensors() const {
  std::vector<std::string> names;
  walk(*node_, [&](const Node& node) {
    if (of_tensor(node)) add_once(names, node.name);
  });
  return names;
}

std::string Expr::text() const {
  return to_text(*node_);
}

}  // namespace burnish
