#include "agents/file_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace burnish {
namespace {

constexpr std::array<std::string_view, 9> source_suffixes = {".cpp", ".cc",  ".cxx", ".cu", ".metal",
                                                             ".h",   ".hpp", ".cuh", ".c"};

bool is_file_name(std::string_view word) {
  return is_source_name(word) || (word.size() > 5 && word.ends_with(".json")) ||
         (word.size() > 3 && word.ends_with(".py"));
}

bool belongs_to_path(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_.-/\\").find(c) != std::string_view::npos;
}

/// Markdown's escapes ("bias\_gelu.cpp") without their backslash.
std::string unescaped(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (line[i] != '\\' || i + 1 == line.size() || (line[i + 1] != '_' && line[i + 1] != '.' && line[i + 1] != '*'))
      out += line[i];
  return out;
}

bool is_comment(std::string_view line) {
  return line.starts_with("//") || line.starts_with('#') || line.starts_with("/*") || line.starts_with("--") ||
         line.starts_with("%%writefile");
}

}  // namespace

bool is_source_name(std::string_view name) {
  return std::ranges::any_of(source_suffixes, [&](auto s) { return name.size() > s.size() && name.ends_with(s); });
}

bool is_plain_source_name(std::string_view name) {
  return is_source_name(name) && !name.starts_with('.') && !name.starts_with('-') &&
         std::ranges::all_of(name, [](char c) { return belongs_to_path(c) && c != '/' && c != '\\'; });
}

std::vector<std::string> file_names_in(std::string_view raw) {
  std::vector<std::string> names;
  const std::string line = unescaped(raw.substr(0, 500));
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto begin = i;
    while (i < line.size() && belongs_to_path(line[i])) ++i;
    std::string_view word = std::string_view(line).substr(begin, i - begin);
    while (word.ends_with('.')) word.remove_suffix(1);
    while (word.starts_with('-') || word.starts_with("//")) word.remove_prefix(1);
    // #include <cmath.h> names somebody else's file.
    const bool included = begin > 0 && line[begin - 1] == '<' && trimmed(line).starts_with("#include");
    if (is_file_name(word) && !included) names.emplace_back(word);
  }
  return names;
}

std::string title_of(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.size() > 160 || line.starts_with("#include")) return {};
  const auto names = file_names_in(line);
  if (names.size() != 1) return {};
  // What is left beside the name must be marks and at most three words: a heading, not a sentence.
  std::size_t words = 0;
  bool in_word = false, code = false;
  for (const char c : line) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) || belongs_to_path(c);
    words += letter && !in_word && std::isalpha(static_cast<unsigned char>(c));
    in_word = letter;
    code = code || c == ';' || c == '{' || c == '}';
  }
  return words <= 4 && !code ? names.front() : std::string();
}

std::vector<std::string> claimed_names(const FencedBlock& block) {
  std::vector<std::string> names = file_names_in(block.info);
  const auto take = [&](const std::vector<std::string>& more) { names.insert(names.end(), more.begin(), more.end()); };
  const std::string_view first = trimmed(std::string_view(block.text).substr(0, block.text.find('\n')));
  if (is_comment(first) && !first.starts_with("#include")) take(file_names_in(first));
  for (std::size_t i = 0; i < block.before.size(); ++i)
    if (i == 0 || !title_of(block.before[i]).empty()) take(file_names_in(block.before[i]));
  return names;
}

}  // namespace burnish
