#include "agents/loose_json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "agents/fences.h"

namespace burnish {
namespace {

constexpr int deepest = 100;  // brackets in brackets; plans have about ten

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> python_words = {
    {{"True", "true"}, {"False", "false"}, {"None", "null"}}};

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c));
}

/// Removes a comma that is the last thing written but spaces: a closing bracket comes next.
void drop_trailing_comma(std::string& out) {
  const auto last = out.find_last_not_of(" \t\r\n");
  if (last != std::string::npos && out[last] == ',') out.erase(last, 1);
}

/// The position after a comment that starts at `i`, or `i` where none does.
std::size_t after_comment(std::string_view text, std::size_t i) {
  const std::string_view rest = text.substr(i, 2);
  if (rest == "//" || rest.starts_with("#")) return std::min(text.find('\n', i), text.size());
  if (rest != "/*") return i;
  const auto end = text.find("*/", i + 2);
  return end == npos ? text.size() : end + 2;
}

/// Skips a comment at `i`, its line ends kept, so that lines keep their numbers.
bool skip_comment(std::string_view text, std::size_t& i, std::string& out) {
  const auto end = after_comment(text, i);
  if (end == i) return false;
  out.append(static_cast<std::size_t>(std::ranges::count(text.substr(i, end - i), '\n')), '\n');
  i = end;
  return true;
}

/// The position after the string literal whose opening quote is at `i`.
std::size_t after_string(std::string_view text, std::size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i)
    if (text[i] == '\\') ++i;
  return std::min(i + 1, text.size());
}

/// JSON's word for one of Python's that stands at `i`, and its length.
std::pair<std::string_view, std::size_t> python_word(std::string_view text, std::size_t i) {
  if (i > 0 && is_word(text[i - 1])) return {};
  for (const auto& [python, plain] : python_words)
    if (text.substr(i, python.size()) == python &&
        (i + python.size() == text.size() || !is_word(text[i + python.size()])))
      return {plain, python.size()};
  return {};
}

bool is_number(std::string_view word) {
  const json value = json::parse(word, nullptr, false);
  return !value.is_discarded();
}

/// Writes JSON of text that is nearly JSON, token by token.
class Loosely {
 public:
  explicit Loosely(std::string_view text) : text_(text) {}

  std::string written() {
    while (at_ < text_.size()) token();
    return std::move(out_);
  }

 private:
  struct Quote {
    std::string_view open, close;
  };

  void token() {
    const char c = text_[at_];
    if (is_space(c)) {
      out_ += c, ++at_;
    } else if (skip_comment(text_, at_, out_)) {
    } else if (c == '}' || c == ']') {
      drop_trailing_comma(out_);
      out_ += c, ++at_;
    } else if (c == ',' || c == ':') {
      out_ += c, ++at_;
    } else if (c == '{' || c == '[') {
      begin_value();
      out_ += c, ++at_;
    } else if (const Quote quote = quote_here(); !quote.open.empty()) {
      begin_value();
      string(quote);
    } else {
      begin_value();
      bare();
    }
  }

  /// A value after a value: the comma between them is missing.
  void begin_value() {
    const auto last = out_.find_last_not_of(" \t\r\n");
    if (last == std::string::npos || std::string_view("{[,:").find(out_[last]) != npos) return;
    out_.insert(last + 1, ",");
  }

  Quote quote_here() const {
    constexpr std::array<Quote, 7> quotes = {{{"\"\"\"", "\"\"\""},
                                              {"'''", "'''"},
                                              {"\"", "\""},
                                              {"'", "'"},
                                              {"`", "`"},
                                              {"\u201c", "\u201d"},
                                              {"\u2018", "\u2019"}}};
    for (const Quote& q : quotes) {
      if (text_.substr(at_, q.open.size()) != q.open) continue;
      if (q.open == "\"\"\"" && text_.find(q.close, at_ + 3) == npos) continue;  // an empty string
      return q;
    }
    return {};
  }

  void string(const Quote& quote) {
    out_ += '"';
    for (at_ += quote.open.size(); at_ < text_.size() && text_.substr(at_, quote.close.size()) != quote.close; ++at_) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {
        escape(text_[++at_]);
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\t') {
        out_ += "\\t";
      } else {
        if (c == '"') out_ += '\\';
        out_ += c;
      }
    }
    at_ = std::min(at_ + quote.close.size(), text_.size());
    out_ += '"';
  }

  /// What JSON does not escape is meant as it stands.
  void escape(char c) {
    if (std::string_view("\"\\/bfnrtu").find(c) != npos) out_ += '\\';
    if (c != '\n') out_ += c;
  }

  /// What stands without quotes: a number, a word, a key, an expression such as 4096 * 2 or size(x, 0), a tuple.
  void bare() {
    const auto end = end_of_bare();
    const std::string_view word = trimmed(text_.substr(at_, end - at_));
    const auto python = python_word(word, 0);
    if (word.starts_with("...") || word.starts_with("\u2026") || is_number(word)) {
      out_ += word;
    } else if (python.second == word.size()) {
      out_ += python.first;
    } else if (is_tuple(word) && nested_ < 20) {
      Loosely inner(word.substr(1, word.size() - 2));
      inner.nested_ = nested_ + 1;
      std::string items = inner.written();
      drop_trailing_comma(items);
      out_ += "[" + items + "]";
    } else {
      out_ += json(word).dump(-1, ' ', false, json::error_handler_t::replace);
    }
    at_ = std::max(end, at_ + 1);
  }

  std::size_t end_of_bare() const {
    int depth = 0;
    std::size_t i = at_;
    for (; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '(') ++depth;
      if (c == ')') --depth;
      if (c == '\n' || c == ']' || c == '}' || c == '"') break;
      if (depth <= 0 && (c == ',' || c == ':')) break;
      if (after_comment(text_, i) != i) break;
    }
    return i;
  }

  static bool is_tuple(std::string_view word) {
    if (!word.starts_with('(') || !word.ends_with(')')) return false;
    int depth = 0;
    bool comma = false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (word[i] == '(') ++depth;
      if (word[i] == ')' && --depth == 0 && i + 1 < word.size()) return false;
      comma = comma || (word[i] == ',' && depth == 1);
    }
    return comma;
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
  int nested_ = 0;
};

int depth_of(std::string_view text) {
  int depth = 0, most = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      i = after_string(text, i) - 1;
    else if (text[i] == '{' || text[i] == '[')
      most = std::max(most, ++depth);
    else if (text[i] == '}' || text[i] == ']')
      --depth;
  }
  return most;
}

bool parses(std::string_view text) {
  return json::accept(text);
}

std::string_view line_at(std::string_view text, std::size_t byte, std::size_t& number) {
  byte = std::min(byte, text.size());
  number = static_cast<std::size_t>(std::ranges::count(text.substr(0, byte), '\n'));
  const auto begin = text.rfind('\n', byte ? byte - 1 : 0);
  const auto from = begin == npos || byte == 0 ? 0 : begin + 1;
  return text.substr(from, text.find('\n', from) - from);
}

/// Bytes that are no UTF-8 as marks: a message must be.
std::string shown(std::string_view text, std::size_t most) {
  const json quoted = json::parse(json(text.substr(0, most)).dump(-1, ' ', false, json::error_handler_t::replace));
  return quoted.get<std::string>();
}

/// What is wrong and where, of text that does not parse.
std::unexpected<Error> complaint(std::string_view text, std::size_t first_line) {
  try {
    [[maybe_unused]] const json value = json::parse(text);
  } catch (const json::parse_error& e) {
    std::size_t line = 0;
    const std::string there = shown(trimmed(line_at(text, e.byte ? e.byte - 1 : 0, line)), 120);
    const std::string at = "line " + std::to_string(first_line + line) + ": " + (there.empty() ? "(empty)" : there);
    if (e.byte >= text.size() && end_of_value(text, std::min(text.find_first_of("{["), text.size())) == npos)
      return fail("it ends before its last bracket", at);
    if (there.find("...") != npos || there.find("\u2026") != npos)
      return fail("a part is left out as \"...\"; write all of it", at);
    const std::string what = e.what();
    const auto said = what.rfind(" - ");
    return fail("it is not JSON: " + shown(said == std::string::npos ? what : what.substr(said + 3), 200), at);
  } catch (const json::exception& e) {
    return fail(std::string("it is not JSON: ") + e.what());
  }
  return fail("it is not JSON");
}

}  // namespace

std::string plain_json(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      const auto end = after_string(text, i);
      out.append(text.substr(i, end - i));
      i = end;
      continue;
    }
    if (skip_comment(text, i, out)) continue;
    if (text[i] == '}' || text[i] == ']') drop_trailing_comma(out);
    if (const auto [word, length] = python_word(text, i); length) {
      out += word;
      i += length;
      continue;
    }
    out += text[i++];
  }
  return out;
}

std::string loose_json(std::string_view text) {
  return Loosely(text).written();
}

Result<std::string> readable_json(std::string_view text, std::size_t first_line) {
  std::string plain = plain_json(text);
  if (depth_of(plain) > deepest) return fail("brackets stand more than " + std::to_string(deepest) + " deep");
  if (parses(plain)) return plain;
  std::string loose = loose_json(text);
  if (depth_of(loose) <= deepest && parses(loose)) return loose;
  return complaint(plain, first_line);
}

std::size_t end_of_value(std::string_view text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size();) {
    if (text[i] == '"') {
      i = after_string(text, i);
      continue;
    }
    if (const auto end = after_comment(text, i); end != i) {
      i = end;
      continue;
    }
    if (text[i] == '{' || text[i] == '[') ++depth;
    if ((text[i] == '}' || text[i] == ']') && --depth == 0) return i + 1;
    ++i;
  }
  return npos;
}

}  // namespace burnish
