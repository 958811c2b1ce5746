#include <fmt/format.h>

#include "targets/metal/translator.h"

// What a source declares: functions, classes, variables and templates at namespace and class scope.
namespace burnish::metal {
namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> all) {
  for (const auto t : all)
    if (text == t) return true;
  return false;
}

/// Where a member function's own address space stands, C++ for OpenCL wants its keywords.
std::string_view method_space(std::string_view word) {
  if (word == "device") return "__global";
  if (word == "constant") return "const __global";
  if (word == "threadgroup") return "__local";
  if (word == "thread") return "__private";
  return {};
}

}  // namespace

std::unexpected<Error> Translator::bad(std::size_t at, std::string what, const char* reason) const {
  const Token& t = tokens_[std::min(at, tokens_.size() - 1)];
  return fail(std::move(what), fmt::format("{}:{}", t.line, t.column), {}, reason);
}

void Translator::template_parameters(std::size_t open, std::size_t close) {
  for (std::size_t i = open; i + 1 < close; ++i) {
    if (!is(i, "typename") && !is(i, "class")) continue;
    if (is(i + 1, "...")) ++i;
    if (tokens_[i + 1].is_name() && !is(i + 2, "::") && !is(i + 2, "<")) types_.insert(tokens_[i + 1].text);
  }
}

Status Translator::declarations(std::size_t begin, std::size_t end, Scope scope, const std::string& path) {
  for (std::size_t at = begin; at < end;) {
    if (tokens_[at].kind == TokenKind::directive || is(at, ";")) {
      ++at;
    } else if (scope == Scope::members && one_of(tokens_[at].text, {"public", "private", "protected"}) &&
               is(at + 1, ":")) {
      at += 2;
    } else if (is(at, "namespace") || (is(at, "inline") && is(at + 1, "namespace"))) {
      std::size_t open = at;
      std::string inner = path;
      for (; open < end && !is(open, "{") && !is(open, "="); ++open)
        if (tokens_[open].is_name() && !is(open, "namespace") && !is(open, "inline"))
          inner += tokens_[open].text + "::";
      if (open >= end) return bad(at, "expected '{' after 'namespace'");
      if (is(open, "=")) {
        while (at < end && !is(at, ";")) ++at;
        continue;
      }
      const auto after = after_match(tokens_, open);
      if (auto ok = declarations(open + 1, after - 1, scope, inner); !ok) return ok;
      at = after;
    } else if (is(at, "template") && !is(at + 1, "<")) {
      TRY(next, instantiation(at, end, path));
      at = next;
    } else {
      bool is_template = false;
      std::size_t first = at;
      while (is(first, "template") && is(first + 1, "<")) {
        const auto after = after_angle(tokens_, first + 1, true);
        if (after == first + 1) return bad(first, "expected '>' to end the template's parameters");
        template_parameters(first + 2, after - 1);
        is_template |= after > first + 3;  // not `template <>`
        first = after;
      }
      TRY(next, declaration(first, end, scope, path, is_template));
      at = next;
    }
  }
  return {};
}

Result<std::size_t> Translator::class_declaration(std::size_t at, std::size_t end, Scope scope,
                                                  const std::string& path) {
  std::size_t i = at + 1;
  std::string name;
  for (; i < end && !is(i, "{") && !is(i, ";") && !is(i, "(") && !is(i, "="); ++i) {
    if (is(i, "<")) {
      const auto after = after_angle(tokens_, i, true);
      if (after > i) i = after - 1;
    } else if (tokens_[i].is_name() && name.empty() && !is(i, "alignas")) {
      name = tokens_[i].text;
    } else if (is(i, "[") || is(i, "(")) {
      i = after_match(tokens_, i) - 1;
    }
  }
  if (i >= end || !is(i, "{")) return i;
  const auto after = after_match(tokens_, i);
  if (after > end) return bad(i, "expected '}'");
  if (auto ok = declarations(i + 1, after - 1, Scope::members, path + name + "::"); !ok)
    return std::unexpected(ok.error());
  std::size_t close = after;
  while (close < end && !is(close, ";")) ++close;
  if (close > after)
    if (auto ok = variable(at, close, scope); !ok) return std::unexpected(ok.error());
  return std::min(close + 1, end);
}

Result<std::size_t> Translator::declaration(std::size_t begin, std::size_t end, Scope scope, const std::string& path,
                                            bool is_template) {
  if (one_of(tokens_[begin].text, {"using", "typedef", "static_assert", "friend", "enum"})) {
    std::size_t close = begin;
    while (close < end && !is(close, ";"))
      close = is(close, "{") || is(close, "(") ? after_match(tokens_, close) : close + 1;
    if (is(begin, "using") && is(begin + 2, "=")) types_.insert(tokens_[begin + 1].text);
    if (is(begin, "typedef") && close > begin && tokens_[close - 1].is_name()) types_.insert(tokens_[close - 1].text);
    return std::min(close + 1, end);
  }
  Function function{.is_template = is_template, .in_class = scope == Scope::members, .line = tokens_[begin].line};
  std::size_t last_name = end;
  for (std::size_t i = begin; i < end;) {
    const auto& t = tokens_[i];
    if (one_of(t.text, {"struct", "class", "union"}) && i == begin) {
      TRY(after, class_declaration(i, end, scope, path));
      if (after > i + 1 && after <= end && !is(after, "(") && !is(after, "=")) return after;
      i = after > i ? after : i + 1;
      last_name = i > 0 ? i - 1 : end;
    } else if (is(i, "[") && is(i + 1, "[")) {
      const auto after = after_match(tokens_, i);
      if (auto ok = take_attributes(i, after, function); !ok) return std::unexpected(ok.error());
      i = after;
    } else if (t.text == "kernel") {
      function.kernel = true;
      remove(i, i + 1);
      ++i;
    } else if (one_of(t.text, {"vertex", "fragment"}) && scope == Scope::names && tokens_[i + 1].is_name()) {
      return bad(i, "the emulator runs compute kernels only, no " + t.text + " functions", "unsupported");
    } else if (one_of(t.text, {"decltype", "alignas", "__attribute__"}) && is(i + 1, "(")) {
      i = after_match(tokens_, i + 1);
    } else if (t.text == "operator") {
      std::size_t open = i + 1;
      if (is(open, "(") && is(open + 1, ")")) open += 2;
      while (open < end && !is(open, "(")) ++open;
      function.name = "operator";
      function.path = path + function.name;
      function.parameters = {open + 1, after_match(tokens_, open) - 1};
      return function_rest(std::move(function), after_match(tokens_, open), end);
    } else if (t.text == "<" && i > begin && tokens_[i - 1].is_name()) {
      const auto after = after_angle(tokens_, i, true);
      i = after > i ? after : i + 1;
    } else if (t.text == "(" && last_name < end && i > begin && (tokens_[i - 1].is_name() || is(i - 1, ">"))) {
      function.name = tokens_[last_name].text;
      function.path = path + function.name;
      function.parameters = {i + 1, after_match(tokens_, i) - 1};
      return function_rest(std::move(function), after_match(tokens_, i), end);
    } else if (t.text == "=" || t.text == ";" || t.text == "{" || t.text == "[" || (t.text == ":" && i > begin)) {
      std::size_t close = i;
      while (close < end && !is(close, ";"))
        close = one_of(tokens_[close].text, {"{", "(", "["}) ? after_match(tokens_, close) : close + 1;
      if (auto ok = variable(begin, close, scope); !ok) return std::unexpected(ok.error());
      return std::min(close + 1, end);
    } else {
      if (t.is_name()) last_name = i;
      ++i;
    }
  }
  return bad(begin, "expected ';' after this declaration");
}

/// From after the parameters to the end of the body.
Result<std::size_t> Translator::function_rest(Function function, std::size_t at, std::size_t end) {
  template_parameters(function.parameters.begin, function.parameters.begin);
  while (at < end && !is(at, "{") && !is(at, ";")) {
    if (const auto space = method_space(tokens_[at].text); !space.empty() && !is(at - 1, "->")) {
      instead(at, std::string(space));
      ++at;
    } else if (is(at, "[") && is(at + 1, "[")) {
      const auto after = after_match(tokens_, at);
      if (auto ok = take_attributes(at, after, function); !ok) return std::unexpected(ok.error());
      at = after;
    } else if (is(at, ":")) {  // a constructor's initialisers
      for (++at; at < end && !is(at, ";");) {
        while (at < end && !is(at, "(") && !is(at, "{")) ++at;
        const auto after = after_match(tokens_, at);
        expressions(at + 1, after - 1, false);
        at = after;
        if (!is(at, ",")) break;
        ++at;
      }
    } else if (is(at, "(") || is(at, "[")) {
      at = after_match(tokens_, at);
    } else {
      ++at;
    }
  }
  if (function.kernel)
    if (auto ok = kernel_parameters(function); !ok) return std::unexpected(ok.error());
  for (auto i = function.parameters.begin; i < function.parameters.end;
       ++i)  // helpers carry kernels' attributes around
    if (is(i, "[") && is(i + 1, "[")) remove(i, after_match(tokens_, i));
  if (at < end && is(at, "{")) {
    const auto after = after_match(tokens_, at);
    if (after > end || !is(after - 1, "}")) return bad(at, "expected '}'");
    function.body = {at + 1, after - 1};
    function.has_body = true;
    functions_.push_back(std::move(function));
    return after;
  }
  functions_.push_back(std::move(function));
  return std::min(at + 1, end);
}

/// `template [[host_name("x")]] [[kernel]] void f<float>(...);` or `... decltype(f<float>) f<float>;`
Result<std::size_t> Translator::instantiation(std::size_t at, std::size_t end, const std::string& path) {
  Instantiation found{.line = tokens_[at].line};
  Function attributes;
  std::size_t close = at, name = end, open = end;
  for (std::size_t i = at + 1; i < end && close == at;) {
    if (is(i, "[") && is(i + 1, "[")) {
      const auto after = after_match(tokens_, i);
      if (auto ok = take_attributes(i, after, attributes); !ok) return std::unexpected(ok.error());
      i = after;
    } else if (is(i, ";")) {
      close = i + 1;
    } else if (is(i, "kernel")) {
      attributes.kernel = true;
      ++i;
    } else if (is(i, "decltype")) {
      i = after_match(tokens_, i + 1);
    } else if (is(i, "<")) {
      const auto after = after_angle(tokens_, i, true);
      found.arguments = text_of(i, after);
      i = after > i ? after : i + 1;
    } else if (is(i, "(")) {
      open = i;
      i = after_match(tokens_, i);
    } else {
      if (tokens_[i].is_name()) name = i;
      ++i;
    }
  }
  if (close == at || name >= end) return bad(at, "expected ';' after an explicit instantiation");
  found.host_name = attributes.host_name;
  found.function = path + tokens_[name].text;
  if (open < end) {
    const Range parameters{open + 1, after_match(tokens_, open) - 1};
    found.prototype = plain_parameters(parameters);
    found.parameter_count = count_parameters(parameters);
  }
  if (attributes.kernel || !found.host_name.empty()) {
    remove(at, close);
    instantiations_.push_back(std::move(found));
  }
  return close;
}

/// A variable at namespace or class scope: at namespace scope only constants may stand.
Status Translator::variable(std::size_t begin, std::size_t end, Scope scope) {
  if (begin >= end) return {};
  bool constant = false, array = false;
  std::size_t name = end, attribute = end, value = end;
  for (std::size_t i = begin; i < end; ++i) {
    if (is(i, "constant")) constant = true;
    if (is(i, "{") && name == end) {  // struct { ... } name;
      i = after_match(tokens_, i) - 1;
      continue;
    }
    if (is(i, "<") && i > begin && tokens_[i - 1].is_name())
      if (const auto after = after_angle(tokens_, i, true); after > i) {
        i = after - 1;
        continue;
      }
    if (is(i, "=") || is(i, "{")) {
      value = i;
      break;
    }
    if (is(i, "[") && is(i + 1, "[")) {
      attribute = i;
      break;
    }
    if (is(i, "[")) {
      array = true;
      i = after_match(tokens_, i) - 1;
    } else if (tokens_[i].is_name()) {
      name = i;
    }
  }
  if (value < end) expressions(value, end, false);
  if (scope == Scope::members || name == end) return {};
  if (!constant) return bad(begin, "program scope variable must reside in constant address space");
  if (array) constant_arrays_.insert(tokens_[name].text);
  if (attribute < end && is(attribute + 2, "function_constant")) {
    std::string type;
    for (std::size_t i = begin; i < name; ++i)
      if (!one_of(tokens_[i].text, {"constant", "const", "static", "constexpr"})) type += tokens_[i].text + " ";
    constants_.push_back({tokens_[name].text, type, std::atoi(tokens_[attribute + 4].text.c_str())});
    remove(begin, end);
  }
  return {};
}

}  // namespace burnish::metal
