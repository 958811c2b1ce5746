#include "targets/metal/diagnostics.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace burnish::metal {
namespace {

/// Our spellings, and clang's for OpenCL, in Metal's words. Longer ones first.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> words = {{
    {"const __global_host ", "constant "},
    {"__global_host ", "constant "},
    {"__global_device ", "device "},
    {"const __global ", "constant "},
    {"__local ", "threadgroup "},
    {" *__private'", " *'"},
    {" &__private'", " &'"},
    {"__private ", ""},
    {" __private'", "'"},
    {"__generic ", ""},
    {"__global ", "device "},
    {"__attribute__((ext_vector_type(2)))", "2"},
    {"__attribute__((ext_vector_type(3)))", "3"},
    {"__attribute__((ext_vector_type(4)))", "4"},
    {"mtl_atomic_", "atomic_"},
    {"mtl_make", "vec"},
    {"__bf16", "bfloat"},
    {"OpenCL C++", "Metal"},
    {"OpenCL", "Metal"},
    {"C++ for Metal version 2021", "Metal"},
    {"C++ for Metal", "Metal"},
    {"unsigned int", "uint"},
}};

std::string in_metals_words(std::string text) {
  for (const auto& [from, to] : words)
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  return text;
}

std::string_view line_of(std::string_view source, int line) {
  for (int i = 1; i < line; ++i) {
    const auto newline = source.find('\n');
    if (newline == std::string_view::npos) return {};
    source.remove_prefix(newline + 1);
  }
  return source.substr(0, source.find('\n'));
}

}  // namespace

std::string diagnostic(int line, int column, std::string_view severity, std::string_view what,
                       std::string_view source) {
  auto text = fmt::format("program_source:{}:{}: {}: {}\n", line, column, severity, what);
  if (const auto code = line_of(source, line); !code.empty()) {
    text += fmt::format("{}\n", code);
    for (int i = 1; i < column; ++i)
      text += i <= static_cast<int>(code.size()) && code[static_cast<std::size_t>(i - 1)] == '\t' ? '\t' : ' ';
    text += "^\n";
  }
  return text;
}

Error as_diagnostic(const Error& error, std::string_view source) {
  int line = 1, column = 1;
  const auto& where = error.where;
  if (const auto colon = where.find(':'); colon != std::string::npos) {
    std::from_chars(where.data(), where.data() + colon, line);
    std::from_chars(where.data() + colon + 1, where.data() + where.size(), column);
  }
  return {diagnostic(line, column, "error", error.what, source), "", error.todo, error.reason};
}

Diagnosed read_diagnostics(std::string_view text, std::string_view source, const Translation* translation) {
  Diagnosed out;
  while (!text.empty()) {
    const auto newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.empty() || line.starts_with("In file included") || line.find(" generated.") != std::string_view::npos)
      continue;
    const std::string_view name = "program_source:";
    if (!line.starts_with(name)) {  // in the library, or of the linker: a note, or an error with no better place
      if (line.find("error:") != std::string_view::npos || line.starts_with("ld"))
        out.errors += in_metals_words(std::string(
                          line.substr(line.find("error:") == std::string_view::npos ? 0 : line.find("error:")))) +
                      "\n";
      continue;
    }
    int row = 0, column = 0;
    const auto colon = line.find(':', name.size());
    const auto second = line.find(':', colon + 1);
    const auto third = line.find(':', second + 1);
    if (colon == std::string_view::npos || second == std::string_view::npos || third == std::string_view::npos)
      continue;
    std::from_chars(line.data() + name.size(), line.data() + colon, row);
    std::from_chars(line.data() + colon + 1, line.data() + second, column);
    if (translation) column = users_column(*translation, row, column);
    const auto severity = line.substr(second + 2, third - second - 2);
    const auto what = in_metals_words(std::string(line.substr(std::min(third + 2, line.size()))));
    if (severity == "warning")
      out.warnings.push_back(fmt::format("{}:{}: {}", row, column, what));
    else if (what.find("mtl_") != std::string::npos && !out.errors.empty())
      continue;  // of the entry, which only follows from what is wrong before
    else if (severity == "note" && out.errors.empty())
      continue;
    else
      out.errors += diagnostic(row, column, severity == "fatal error" ? "error" : severity, what, source);
  }
  return out;
}

}  // namespace burnish::metal
