#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "agents/answer.h"

namespace burnish {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> python_words = {
    {{"True", "true"}, {"False", "false"}, {"None", "null"}}};

bool ends_in_word(const std::string& s) {
  return !s.empty() && (std::isalnum(static_cast<unsigned char>(s.back())) || s.back() == '_');
}

/// Removes a comma that is the last thing written but spaces: a closing bracket comes next.
void drop_trailing_comma(std::string& out) {
  const auto last = out.find_last_not_of(" \t\r\n");
  if (last != std::string::npos && out[last] == ',') out.erase(last, 1);
}

/// The position after a comment that starts at `i`, or `i` where none does.
std::size_t after_comment(std::string_view text, std::size_t i) {
  const std::string_view rest = text.substr(i);
  if (rest.starts_with("//") || rest.starts_with("#")) return std::min(text.find('\n', i), text.size());
  if (!rest.starts_with("/*")) return i;
  const auto end = text.find("*/", i + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

/// The position after the string literal whose opening quote is at `i`.
std::size_t after_string(std::string_view text, std::size_t i) {
  for (++i; i < text.size() && text[i] != '"'; ++i)
    if (text[i] == '\\') ++i;
  return std::min(i + 1, text.size());
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
    if (const auto end = after_comment(text, i); end != i) {
      i = end;
      continue;
    }
    if (text[i] == '}' || text[i] == ']') drop_trailing_comma(out);
    const auto word =
        std::ranges::find_if(python_words, [&](const auto& w) { return text.substr(i).starts_with(w.first); });
    if (word != python_words.end() && !ends_in_word(out)) {
      out += word->second;
      i += word->first.size();
      continue;
    }
    out += text[i++];
  }
  return out;
}

}  // namespace burnish
