#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

/// Metal source as tokens that know where the user wrote them.
namespace burnish::metal {

enum class TokenKind {
  identifier,
  number,
  text,         ///< string or character literal
  punctuation,  ///< longest match of C++, except that >> is two tokens: template brackets need no second look
  directive,    ///< a whole preprocessor line, continued lines joined
};

struct Token {
  TokenKind kind;
  std::string text;
  int line = 0, column = 0;  ///< from 1, in the user's source
  bool spaced = false;       ///< white space before it

  bool is(std::string_view s) const { return text == s; }
  bool is_name() const { return kind == TokenKind::identifier; }
};

/// Splits source into tokens; comments go. With `markers`, lines of the form `# 12 "file"` set the number of the next
/// line, as in the output of a preprocessor, and are dropped. Fails on an unfinished comment or literal, with reason
/// `compile` and the place as "LINE:COL".
Result<std::vector<Token>> tokenize(std::string_view source, bool markers);

/// The index after the bracket that closes the one at `open` ("(", "[" or "{"), or tokens.size() where none does.
std::size_t after_match(const std::vector<Token>& tokens, std::size_t open);

/// The same for "<" as a template bracket; returns `open` where it closes nothing before ";" or "{" (a comparison).
/// In a declaration there are no comparisons: with `certain`, && and || may stand inside.
std::size_t after_angle(const std::vector<Token>& tokens, std::size_t open, bool certain = false);

}  // namespace burnish::metal
