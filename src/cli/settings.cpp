#include "cli/settings.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace burnish {
namespace {

constexpr std::array<Setting, 7> rows = {{
    {"home", "BURNISH_HOME", "", "folder of the store (default: the platform's data folder)"},
    {"python", "BURNISH_PYTHON", "",
     "Python with torch and burnish (default: python3 beside this executable, else on PATH)"},
    {"cxx", "BURNISH_CXX", "g++", "compiler of CPU kernels"},
    {"open_seconds", "BURNISH_OPEN_SECONDS", "300", "how long the judge may take to open a problem without a word"},
    {"silence_seconds", "BURNISH_SILENCE_SECONDS", "600", "how long the judge may take to judge without a word"},
    {"log_bytes", "BURNISH_LOG_BYTES", "4194304", "how much of what a problem's module prints is kept"},
    {"colour", "NO_COLOR", "", "set to anything: no colour"},
}};

}  // namespace

std::span<const Setting> settings() {
  return rows;
}

std::string setting(const std::string& name) {
  for (const auto& row : rows) {
    if (name != row.name) continue;
    const char* value = std::getenv(row.variable);
    return value && *value ? value : row.standard;
  }
  throw std::logic_error("no setting " + name);
}

double number_setting(const std::string& name) {
  const auto text = setting(name);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0)) {
    for (const auto& row : rows)
      if (name == row.name) return std::strtod(row.standard, nullptr);
  }
  return value;
}

std::string settings_help() {
  std::string text = "Environment:\n";
  for (const auto& row : rows) {
    text += fmt::format("  {:<24} {}", row.variable, row.help);
    if (*row.standard) text += fmt::format(" (default: {})", row.standard);
    text += "\n";
  }
  return text;
}

}  // namespace burnish
