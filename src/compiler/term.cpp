#include "compiler/term.h"

#include <cctype>

namespace burnish::compiler {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Term> sum() {
    TRY(left, product());
    Term term = std::move(left);
    for (skip(); peek() == '+' || peek() == '-'; skip()) {
      const char op = text_[at_++];
      TRY(right, product());
      term = binary(op, std::move(term), std::move(right));
    }
    return term;
  }

  bool at_end() {
    skip();
    return at_ >= text_.size();
  }
  bool take(char c) {
    skip();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  Result<Term> unexpected(std::string_view wanted) const {
    return fail("the rule's text is wrong: " + std::string(wanted) + " is missing",
                std::string(text_) + " at " + std::to_string(at_));
  }
  /// "name =" of a let, or nothing; the position is unchanged then.
  std::string let_name() {
    const std::size_t start = at_;
    skip();
    std::string name = word();
    skip();
    if (!name.empty() && peek() == '=') {
      ++at_;
      return name;
    }
    at_ = start;
    return {};
  }

 private:
  Result<Term> product() {
    TRY(left, atom());
    Term term = std::move(left);
    for (skip(); peek() == '*' || peek() == '/'; skip()) {
      const char op = text_[at_++];
      TRY(right, atom());
      term = binary(op, std::move(term), std::move(right));
    }
    return term;
  }

  static Term binary(char op, Term a, Term b) {
    Term term;
    term.kind = Term::Kind::arithmetic;
    term.name = std::string(1, op);
    term.args = {std::move(a), std::move(b)};
    return term;
  }

  Result<Term> atom() {
    skip();
    Term term;
    if (take('(')) {
      TRY(inner, sum());
      if (!take(')')) return unexpected(")");
      return inner;
    }
    if (take('[')) {
      term.kind = Term::Kind::list;
      while (!take(']')) {
        TRY(item, sum());
        term.args.push_back(item);
        take(',');
        if (at_ >= text_.size()) return unexpected("]");
      }
      return term;
    }
    if (take('"')) {
      const std::size_t end = text_.find('"', at_);
      if (end == std::string_view::npos) return unexpected("\"");
      term.value = Arg{Arg::Literal{"str", std::string(text_.substr(at_, end - at_))}};
      at_ = end + 1;
      return term;
    }
    if (take('?')) {
      term.kind = Term::Kind::tensor;
      term.name = word();
      return term;
    }
    if (take('#')) {
      term.kind = Term::Kind::constant;
      term.name = word();
      if (take('=')) {
        TRY(otherwise, atom());
        term.value = otherwise.value;
        if (otherwise.kind == Term::Kind::list) {
          std::vector<Arg> items;
          for (const Term& item : otherwise.args) items.push_back(item.value);
          term.value = Arg{std::move(items)};
        }
        term.has_default = true;
      }
      return term;
    }
    if (peek() == '-' || std::isdigit(static_cast<unsigned char>(peek()))) return number();
    std::string name = word();
    if (name.empty()) return unexpected("a term");
    if (name == "true" || name == "false") {
      term.value = arg_bool(name == "true");
      return term;
    }
    if (name == "none") return term;
    if (name == "inf") {
      term.value = Arg{Arg::Literal{"float", "inf"}};
      return term;
    }
    if (take(':')) {
      TRY(inner, atom());
      inner.argument = name;
      return inner;
    }
    term.name = name;
    if (!take('(')) {
      term.kind = Term::Kind::local;
      return term;
    }
    term.kind = Term::Kind::call;
    while (!take(')')) {
      TRY(item, sum());
      term.args.push_back(item);
      take(',');
      if (at_ >= text_.size() && text_.back() != ')') return unexpected(")");
    }
    return term;
  }

  Result<Term> number() {
    const std::size_t start = at_;
    if (peek() == '-') ++at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '.' ||
                                  (text_[at_] == '-' && text_[at_ - 1] == 'e')))
      ++at_;
    const std::string digits(text_.substr(start, at_ - start));
    Term term;
    if (digits == "-inf") {
      term.value = Arg{Arg::Literal{"float", "-inf"}};
    } else if (digits.find_first_of(".e") == std::string::npos) {
      term.value = arg_int(std::stoll(digits));
    } else {
      term.value = arg_real(std::stod(digits));
    }
    return term;
  }

  std::string word() {
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool equal(const Arg& a, const Arg& b) {
  if (as_name(a) != nullptr || as_name(b) != nullptr)
    return as_name(a) != nullptr && as_name(b) != nullptr && *as_name(a) == *as_name(b);
  if (is_none(a) || is_none(b)) return is_none(a) && is_none(b);
  const auto *sa = std::get_if<Arg::Literal>(&a.value), *sb = std::get_if<Arg::Literal>(&b.value);
  if (sa != nullptr && sb != nullptr) return sa->kind == sb->kind && sa->text == sb->text;
  if (as_bool(a) && as_bool(b)) return *as_bool(a) == *as_bool(b);
  if (as_bool(a) || as_bool(b)) return false;
  const auto ra = as_real(a), rb = as_real(b);
  if (ra && rb) return *ra == *rb;
  const auto la = as_ints(a), lb = as_ints(b);
  return la && lb && *la == *lb;
}

bool bind(const std::string& name, const Arg& value, Match& found) {
  const auto [it, fresh] = found.bound.emplace(name, value);
  return fresh || equal(it->second, value);
}

bool match_arg(const Term& pattern, const Arg* arg, const Producer& producer, Match& found) {
  if (arg == nullptr) {
    if (pattern.kind == Term::Kind::constant && pattern.has_default) return bind(pattern.name, pattern.value, found);
    return pattern.kind == Term::Kind::literal && is_none(pattern.value);
  }
  switch (pattern.kind) {
    case Term::Kind::tensor:
      return as_name(*arg) != nullptr && bind(pattern.name, *arg, found);
    case Term::Kind::constant:
      if (is_none(*arg) && pattern.has_default) return bind(pattern.name, pattern.value, found);
      return as_name(*arg) == nullptr && bind(pattern.name, *arg, found);
    case Term::Kind::literal:
      return equal(pattern.value, *arg);
    case Term::Kind::list: {
      const auto* items = std::get_if<std::vector<Arg>>(&arg->value);
      if (items == nullptr) return pattern.args.size() == 1 && match_arg(pattern.args[0], arg, producer, found);
      if (items->size() != pattern.args.size()) return false;
      for (std::size_t i = 0; i < items->size(); ++i)
        if (!match_arg(pattern.args[i], &(*items)[i], producer, found)) return false;
      return true;
    }
    case Term::Kind::call: {
      const std::string* name = as_name(*arg);
      const OpStep* step = name == nullptr ? nullptr : producer(*name);
      if (step == nullptr || !match(pattern, *step, producer, found)) return false;
      found.inner.push_back(*name);
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

Result<Term> parse_term(std::string_view text) {
  Parser parser(text);
  TRY(term, parser.sum());
  if (!parser.at_end()) return parser.unexpected("the end");
  return term;
}

Result<Replacement> parse_replacement(std::string_view text) {
  Parser parser(text);
  Replacement all;
  for (;;) {
    const std::string name = parser.let_name();
    TRY(term, parser.sum());
    if (name.empty()) {
      all.result = std::move(term);
      break;
    }
    all.lets.emplace_back(name, std::move(term));
    if (!parser.take(';')) return fail("a ; is missing", std::string(text));
  }
  if (!parser.at_end()) return fail("text after the last term", std::string(text));
  return all;
}

bool match(const Term& pattern, const OpStep& step, const Producer& producer, Match& found) {
  const bool overload = pattern.name.find('.') != std::string::npos;
  if (overload ? step.op != "aten::" + pattern.name : short_name(step.op) != pattern.name) return false;
  std::size_t kwargs_used = 0;
  for (std::size_t i = 0; i < pattern.args.size(); ++i) {
    const Arg* arg = argument(step, i, pattern.args[i].argument);
    if (arg != nullptr && i >= step.args.size()) ++kwargs_used;
    if (!match_arg(pattern.args[i], arg, producer, found)) return false;
  }
  // Arguments that the pattern does not mention must be at their defaults, which exported calls leave out.
  for (std::size_t i = pattern.args.size(); i < step.args.size(); ++i)
    if (!is_none(step.args[i])) return false;
  std::size_t given = 0;
  for (const auto& [key, value] : step.kwargs) given += is_none(value) ? 0 : 1;
  return given <= kwargs_used;
}

}  // namespace burnish::compiler
