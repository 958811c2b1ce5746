#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "targets/metal/translator.h"

// Function bodies: vectors made and converted, threadgroup variables, loops that can be stopped and counted.
namespace burnish::metal {
namespace {

constexpr std::array<std::string_view, 13> vector_elements = {"float", "half",   "bfloat",   "int",   "uint",
                                                              "short", "ushort", "char",     "uchar", "long",
                                                              "ulong", "size_t", "ptrdiff_t"};

/// Words after which a type name begins a declaration.
bool opens_statement(std::string_view before) {
  for (const std::string_view t : {";", "{", "}", ")", "const", "constexpr", "thread", "else", ":", "(", "static"})
    if (before == t) return true;
  return false;
}

bool begins_operand(const Token& t) {
  if (t.kind == TokenKind::number || t.is_name()) return true;
  return t.is("(") || t.is("-") || t.is("+") || t.is("!") || t.is("~");
}

/// Functions of Metal's library in which threads meet.
bool meets(std::string_view name) {
  return name == "threadgroup_barrier" || name.starts_with("simd_") || name.starts_with("simdgroup_") ||
         name.starts_with("quad_") || name == "operator";
}

}  // namespace

bool is_vector_type(std::string_view name) {
  if (name.starts_with("packed_")) return false;  // classes of ours, with constructors
  if (name.size() < 4 || name.back() < '2' || name.back() > '4') return false;
  return std::ranges::find(vector_elements, name.substr(0, name.size() - 1)) != vector_elements.end();
}

void Translator::find_syncing() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& f : functions_)
      if (f.has_body && !syncing_.contains(f.name) && may_sync(f.body.begin, f.body.end))
        changed = syncing_.insert(f.name).second || changed;
  }
}

bool Translator::may_sync(std::size_t begin, std::size_t end) const {
  for (std::size_t i = begin; i < end; ++i) {
    if (!tokens_[i].is_name() || !(is(i + 1, "(") || is(i + 1, "<"))) continue;
    if (syncing_.contains(tokens_[i].text) || meets(tokens_[i].text)) return true;
    if (syncing_.contains("operator") && is(i + 1, "("))
      return true;  // an object that is called: it cannot be told apart
  }
  return false;
}

/// The end of the type that begins at `at` and may be a vector: float4, vec<T, 4>, T, Alias<T>, typename X::type; `at`
/// where none does.
std::size_t Translator::type_expression(std::size_t at, std::size_t end) const {
  std::size_t i = at;
  bool maybe = false;
  const bool dependent = is(i, "typename");
  if (dependent) ++i;
  while (i < end && tokens_[i].is_name()) {
    const auto& name = tokens_[i].text;
    maybe = dependent || name == "vec" || is_vector_type(name) || types_.contains(name);
    if (name == "decltype" && is(i + 1, "(")) {
      i = after_match(tokens_, i + 1);
      maybe = true;
    } else {
      ++i;
      if (is(i, "<") && (maybe || is(i, "<"))) {
        const auto after = after_angle(tokens_, i);
        if (after > i && (maybe || is(after, "::"))) i = after;
      }
    }
    if (!is(i, "::")) break;
    ++i;
  }
  return maybe ? i : at;
}

/// Rewrites what clang's vectors cannot do as Metal writes it: T(a, b), (float4)x, static_cast<float4>(x), T v(a, b).
void Translator::expressions(std::size_t begin, std::size_t end, bool statements) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto& t = tokens_[i];
    if (t.kind == TokenKind::number && (t.text.ends_with("bf") || t.text.ends_with("BF"))) {
      instead(i, "((bfloat)" + t.text.substr(0, t.text.size() - 2) + "f)");
      continue;
    }
    if (t.is("static_cast") && is(i + 1, "<")) {
      const auto type = type_expression(i + 2, end);
      if (type > i + 2 && is(type, ">")) instead(i, "mtl_make");
      if (type > i + 2) i = type;
      continue;
    }
    if (t.is("(") && i > begin && (!tokens_[i - 1].is_name() || is(i - 1, "return")) && !is(i - 1, ")") &&
        !is(i - 1, "]") && !is(i - 1, ">")) {
      const auto type = type_expression(i + 1, end);
      if (type > i + 1 && is(type, ")") && type + 1 < end && begins_operand(tokens_[type + 1]) &&
          (is(i + 1, "vec") || is(i + 1, "metal") || is_vector_type(tokens_[type - 1].text))) {
        instead(i, "mtl_castor<");
        instead(type, ">{}->*");
        i = type;
        continue;
      }
    }
    if (!t.is_name() || (i > 0 && (is(i - 1, ".") || is(i - 1, "->") || is(i - 1, "::")))) continue;
    const auto type = type_expression(i, end);
    if (type == i || type >= end) continue;
    if (is(type, "(") && !is(type + 1, "*") && !(is(type + 1, "&") && opens_statement(tokens_[i - 1].text))) {
      edits_[i].before += "mtl_make<";
      edits_[type - 1].after = ">" + edits_[type - 1].after;
      i = type - 1;
    } else if (statements && tokens_[type].is_name() && is(type + 1, "(") && i > 0 &&
               opens_statement(tokens_[i - 1].text)) {
      edits_[type].after += " = mtl_make<" + text_of(i, type) + ">";
      i = type;
    } else {
      i = std::max(i, type - 1);
    }
  }
}

/// `threadgroup float a[4][8], b;` in a kernel: references into the threadgroup's memory.
Status Translator::shared_variable(std::size_t at, std::size_t end, const Function& function) {
  std::size_t i = at + 1;
  if (is(i, "alignas") && is(i + 1, "(")) {
    const auto after = after_match(tokens_, i + 1);
    remove(i, after);
    i = after;
  }
  const std::size_t type_begin = i;
  std::size_t last = i;
  while (i < end && (tokens_[i].is_name() || is(i, "::") || is(i, "<"))) {
    if (is(i, "<")) {
      const auto after = after_angle(tokens_, i);
      if (after == i) break;
      i = after;
      last = i;
    } else {
      if (tokens_[i].is_name() && (is(i + 1, "[") || is(i + 1, ";") || is(i + 1, ",") || is(i + 1, "="))) break;
      ++i;
      last = i;
    }
  }
  if (is(i, "*") || is(i, "&") || is(i, "(")) return {};  // a pointer or a reference to threadgroup memory
  if (!function.kernel)
    return bad(at, "variables in the threadgroup address space can only be declared in a kernel function");
  if (i >= end || !tokens_[i].is_name() || last == type_begin)
    return bad(at, "the emulator does not understand this threadgroup declaration", "unsupported");
  const std::string type = text_of(type_begin, last);
  instead(at, "__local");
  while (true) {
    const std::size_t name = i;
    if (!tokens_[name].is_name())
      return bad(name, "the emulator does not understand this threadgroup declaration", "unsupported");
    std::size_t after = name + 1;
    std::string dimensions;
    while (is(after, "[")) {
      const auto close = after_match(tokens_, after);
      dimensions += text_of(after, close);
      after = close;
    }
    edits_[name].before += "(&";
    edits_[name].after += ")";
    edits_[after - 1].after += fmt::format(" = mtl_static<{}{}, {}>()", type, dimensions, shared_names_.size());
    shared_names_.push_back(tokens_[name].text);
    if (is(after, "=") && is(after + 1, "{")) {  // Apple's compiler takes a list, and memory stays as it was
      const auto close = after_match(tokens_, after + 1);
      remove(after, close);
      after = close;
    }
    if (is(after, ";")) return {};
    if (is(after, "=")) return bad(after, "variable in threadgroup address space cannot have an initializer");
    if (!is(after, ","))
      return bad(after, "the emulator does not understand this threadgroup declaration", "unsupported");
    instead(after, "; __local " + type);
    i = after + 1;
  }
}

std::size_t Translator::statement_end(std::size_t at, std::size_t end) const {
  while (at < end && tokens_[at].kind == TokenKind::directive) ++at;
  if (is(at, "{")) return after_match(tokens_, at);
  if (is(at, "do")) {
    at = statement_end(at + 1, end);
    return statement_end(at, end);
  }
  if (is(at, "for") || is(at, "while") || is(at, "if") || is(at, "switch")) {
    const bool condition = is(at, "if");
    if (is(at + 1, "constexpr")) ++at;
    at = statement_end(after_match(tokens_, at + 1), end);
    return condition && is(at, "else") ? statement_end(at + 1, end) : at;
  }
  while (at < end && !is(at, ";")) at = is(at, "(") || is(at, "{") || is(at, "[") ? after_match(tokens_, at) : at + 1;
  return std::min(at + 1, end);
}

/// Conditions ask whether to stop; loops in which threads meet also count their rounds, so that an operation of a
/// simdgroup joins only threads that are in the same round.
Result<std::size_t> Translator::loop(std::size_t at, std::size_t end) {
  std::size_t first = 0, last = 0, body_end = 0;  // of the condition
  if (is(at, "do")) {
    const auto tail = statement_end(at + 1, end);
    if (!is(tail, "while")) return bad(tail, "expected 'while' in do/while loop");
    first = tail + 2;
    last = after_match(tokens_, tail + 1) - 1;
    body_end = last;
  } else {
    const auto close = after_match(tokens_, at + 1) - 1;
    body_end = statement_end(close + 1, end);
    first = at + 2;
    last = close;
    if (is(at, "for")) {
      while (first < close && !is(first, ";"))
        first = is(first, "(") || is(first, "{") ? after_match(tokens_, first) : first + 1;
      if (first >= close) return at + 1;  // a range: it ends by itself
      last = ++first;
      while (last < close && !is(last, ";"))
        last = is(last, "(") || is(last, "{") ? after_match(tokens_, last) : last + 1;
    }
  }
  const bool counted = may_sync(at, body_end);
  const std::string ask = counted ? "mtl_l.tick()" : "mtl_tick()";
  if (counted) edits_[at].before += fmt::format("for (mtl_loop mtl_l({}); mtl_l.once();) ", loops_++);
  if (first == last) {
    edits_[last].before += ask;
  } else {
    edits_[first].before = ask + " && (" + edits_[first].before;
    edits_[last - 1].after += ")";
  }
  return at + 1;
}

Status Translator::body(const Function& function) {
  std::set<std::size_t> tails;  // of do loops
  expressions(function.body.begin, function.body.end, true);
  for (std::size_t i = function.body.begin; i < function.body.end; ++i) {
    if (is(i, "threadgroup") && (i == function.body.begin || opens_statement(tokens_[i - 1].text)) && !is(i - 1, "(")) {
      if (auto ok = shared_variable(i, function.body.end, function); !ok) return ok;
    } else if (is(i, "goto") || is(i, "asm")) {
      return bad(i, "'" + tokens_[i].text + "' is not allowed in Metal");
    } else if ((is(i, "for") || is(i, "while")) && is(i + 1, "(") && !tails.contains(i)) {
      if (auto ok = loop(i, function.body.end); !ok) return std::unexpected(ok.error());
    } else if (is(i, "do")) {
      tails.insert(statement_end(i + 1, function.body.end));
      if (auto ok = loop(i, function.body.end); !ok) return std::unexpected(ok.error());
    }
  }
  return {};
}

}  // namespace burnish::metal
