#include "targets/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace burnish {

Status check_kernel_names(const std::vector<std::string>& kernels) {
  const auto plain = [](const std::string& s) {
    return !s.empty() && !std::isdigit(static_cast<unsigned char>(s[0])) &&
           std::ranges::all_of(s, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  };
  for (const auto& kernel : kernels)
    if (!plain(kernel)) return fail("a kernel's name must be a C identifier", kernel, "rename it", "plan");
  return {};
}

Status check_source_name(const std::string& name, bool folders) {
  const std::filesystem::path path(name);
  if ((!folders && path.filename() != path) || !path.has_stem() || name.find_first_of("\"\\\n'") != std::string::npos)
    return fail("a source needs a plain file name", name, "rename it", "plan");
  return {};
}

std::string cut_text(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  auto end = text.rfind('\n', most);
  if (end == std::string::npos || end < most / 2) end = most;
  return text.substr(0, end) + fmt::format("\n... {} more bytes", text.size() - end);
}

}  // namespace burnish
