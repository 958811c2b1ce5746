#include "base/paths.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace burnish {
namespace fs = std::filesystem;
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

Result<fs::path> data_folder() {
  if (const auto home = from_environment("BURNISH_HOME"); !home.empty()) return fs::absolute(home);
  if (const auto data = from_environment("XDG_DATA_HOME"); !data.empty()) return fs::path(data) / "burnish";
  const auto home = from_environment("HOME");
  if (home.empty()) return fail("there is no folder for the store", "HOME is not set", "set BURNISH_HOME");
#ifdef __APPLE__
  return fs::path(home) / "Library" / "Application Support" / "burnish";
#else
  return fs::path(home) / ".local" / "share" / "burnish";
#endif
}

fs::path executable_path() {
  std::error_code ec;
  auto path = fs::read_symlink("/proc/self/exe", ec);
  return ec ? fs::path() : path;
}

fs::path find_program(std::string_view name) {
  const auto runs = [](const fs::path& file) {
    std::error_code ec;
    return fs::is_regular_file(file, ec) && ::access(file.c_str(), X_OK) == 0;
  };
  if (name.empty()) return {};
  if (name.find('/') != std::string_view::npos) return runs(name) ? fs::absolute(name) : fs::path();
  std::string_view rest;
  const auto variable = from_environment("PATH");
  rest = variable;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    const auto folder = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (!folder.empty() && runs(fs::path(folder) / name)) return fs::path(folder) / name;
  }
  return {};
}

Result<TemporaryFolder> TemporaryFolder::make(std::string_view prefix) {
  std::error_code ec;
  auto base = fs::temp_directory_path(ec);
  if (ec) base = "/tmp";
  std::string name = (base / (std::string(prefix) + ".XXXXXX")).string();
  if (!::mkdtemp(name.data())) {
    return fail("a temporary folder cannot be made", base.string(), std::strerror(errno), "environment");
  }
  return TemporaryFolder(fs::path(name));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ec;
  if (!path_.empty()) fs::remove_all(path_, ec);
}

}  // namespace burnish
