#include "targets/metal/tokens.h"

#include <array>
#include <cctype>
#include <charconv>

namespace burnish::metal {
namespace {

constexpr std::array<std::string_view, 23> long_punctuation = {
    "<<=", "->*", "...", "->", "::", "++", "--", "<=", ">=", "==", "!=", "&&",
    "||",  "+=",  "-=",  "*=", "/=", "%=", "&=", "|=", "^=", "##", "<<"};

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

class Tokenizer {
 public:
  Tokenizer(std::string_view source, bool markers) : source_(source), markers_(markers) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '\n' || std::isspace(static_cast<unsigned char>(c))) {
        step();
        spaced_ = true;
      } else if (c == '\\' && at_ + 1 < source_.size() && source_[at_ + 1] == '\n') {
        step(2);
      } else if (source_.substr(at_, 2) == "//") {
        while (at_ < source_.size() && source_[at_] != '\n') step();
        spaced_ = true;
      } else if (source_.substr(at_, 2) == "/*") {
        if (!block_comment()) return unfinished("unterminated /* comment");
      } else if (c == '#' && fresh_line_) {
        directive();
      } else if (!token()) {
        return unfinished("missing terminating quote");
      }
    }
    return std::move(tokens_);
  }

 private:
  std::unexpected<Error> unfinished(std::string what) const {
    return fail(std::move(what), std::to_string(start_line_) + ":" + std::to_string(start_column_), {}, "compile");
  }

  void step(std::size_t n = 1) {
    for (; n > 0 && at_ < source_.size(); --n, ++at_) {
      if (source_[at_] == '\n') {
        ++line_;
        column_ = 1;
        fresh_line_ = true;
      } else {
        ++column_;
        if (!std::isspace(static_cast<unsigned char>(source_[at_]))) fresh_line_ = false;
      }
    }
  }

  bool block_comment() {
    start_line_ = line_, start_column_ = column_;
    const bool fresh = fresh_line_;
    step(2);
    while (at_ < source_.size() && source_.substr(at_, 2) != "*/") step();
    if (at_ >= source_.size()) return false;
    step(2);
    fresh_line_ = fresh;
    spaced_ = true;
    return true;
  }

  /// A line that begins with #; a marker of the preprocessor renumbers what follows.
  void directive() {
    Token token{TokenKind::directive, {}, line_, column_, spaced_};
    while (at_ < source_.size() && source_[at_] != '\n') {
      if (source_.substr(at_, 2) == "\\\n") {
        step(2);
        token.text += ' ';
      } else if (source_.substr(at_, 2) == "/*") {
        block_comment();
        token.text += ' ';
      } else if (source_.substr(at_, 2) == "//") {
        while (at_ < source_.size() && source_[at_] != '\n') step();
      } else {
        token.text += source_[at_];
        step();
      }
    }
    step();
    spaced_ = true;
    if (markers_ && token.text.size() > 2 && std::isdigit(static_cast<unsigned char>(token.text[2]))) {
      std::from_chars(token.text.data() + 2, token.text.data() + token.text.size(), line_);
      return;
    }
    tokens_.push_back(std::move(token));
  }

  bool token() {
    start_line_ = line_, start_column_ = column_;
    const std::size_t begin = at_;
    const char c = source_[at_];
    TokenKind kind = TokenKind::punctuation;
    if (starts_name(c)) {
      kind = TokenKind::identifier;
      while (at_ < source_.size() && in_name(source_[at_])) step();
    } else if (std::isdigit(static_cast<unsigned char>(c)) ||
               (c == '.' && at_ + 1 < source_.size() && std::isdigit(static_cast<unsigned char>(source_[at_ + 1])))) {
      kind = TokenKind::number;
      const bool hexadecimal = source_.substr(at_, 2) == "0x" || source_.substr(at_, 2) == "0X";
      while (at_ < source_.size() && (in_name(source_[at_]) || source_[at_] == '.' || source_[at_] == '\'' ||
                                      ((source_[at_] == '+' || source_[at_] == '-') && is_exponent(hexadecimal))))
        step();
    } else if (c == '"' || c == '\'') {
      kind = TokenKind::text;
      step();
      while (at_ < source_.size() && source_[at_] != c && source_[at_] != '\n') step(source_[at_] == '\\' ? 2 : 1);
      if (at_ >= source_.size() || source_[at_] != c) return false;
      step();
    } else {
      std::size_t length = 1;
      for (const auto p : long_punctuation)
        if (source_.substr(at_, p.size()) == p) {
          length = p.size();
          break;
        }
      step(length);
    }
    tokens_.push_back({kind, std::string(source_.substr(begin, at_ - begin)), start_line_, start_column_, spaced_});
    spaced_ = false;
    return true;
  }

  bool is_exponent(bool hexadecimal) const {
    const char before = source_[at_ - 1];
    return hexadecimal ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
  }

  std::string_view source_;
  bool markers_, spaced_ = false, fresh_line_ = true;
  std::size_t at_ = 0;
  int line_ = 1, column_ = 1, start_line_ = 1, start_column_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source, bool markers) {
  return Tokenizer(source, markers).run();
}

std::size_t after_match(const std::vector<Token>& tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].kind != TokenKind::punctuation) continue;
    const auto& t = tokens[i].text;
    if (t == "(" || t == "[" || t == "{") ++depth;
    if ((t == ")" || t == "]" || t == "}") && --depth == 0) return i + 1;
  }
  return tokens.size();
}

std::size_t after_angle(const std::vector<Token>& tokens, std::size_t open, bool certain) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size();) {
    const auto& t = tokens[i].text;
    if (tokens[i].kind == TokenKind::punctuation) {
      const bool comparison = i > open && (tokens[i - 1].text == ")" || tokens[i - 1].kind == TokenKind::number);
      if (t == "<" && !comparison) ++depth;
      if (t == ">" && --depth == 0) return i + 1;
      if (t == ";" || t == "{" || t == "}" || t == ")" || t == "]" || (!certain && (t == "&&" || t == "||")))
        return open;
      if (t == "(" || t == "[") {
        i = after_match(tokens, i);
        continue;
      }
    }
    ++i;
  }
  return open;
}

}  // namespace burnish::metal
