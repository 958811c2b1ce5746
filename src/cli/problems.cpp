#include "cli/problems.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace burnish {
namespace fs = std::filesystem;
namespace {

struct Found {
  fs::path file, relative;
  std::string level;
};

/// Splits "10_x" into numbers and text, so that 2 comes before 10.
bool counts_before(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (std::isdigit(static_cast<unsigned char>(a[i])) && std::isdigit(static_cast<unsigned char>(b[j]))) {
      const auto end_of = [](const std::string& s, std::size_t at) {
        while (at < s.size() && std::isdigit(static_cast<unsigned char>(s[at]))) ++at;
        return at;
      };
      const auto x = a.substr(i, end_of(a, i) - i), y = b.substr(j, end_of(b, j) - j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i += x.size();
      j += y.size();
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

std::string level_of(const fs::path& file) {
  for (auto folder = file.parent_path(); folder.has_filename(); folder = folder.parent_path()) {
    const auto name = folder.filename().string();
    if (name.size() > 5 && name.starts_with("level") && name.find_first_not_of("0123456789", 5) == std::string::npos)
      return name.substr(5);
  }
  return "other";
}

std::string name_with_folders(const Found& found, int folders) {
  fs::path name = found.file.stem();
  auto folder = found.file.parent_path();
  for (int i = 0; i < folders && folder.has_filename(); ++i, folder = folder.parent_path())
    name = folder.filename() / name;
  return name.string();
}

}  // namespace

Result<std::vector<ProblemSpec>> find_problems(const std::vector<std::string>& folders, const std::string& glob) {
  std::vector<Found> all;
  std::set<fs::path> seen;
  for (const auto& text : folders) {
    std::error_code ec;
    const auto folder = fs::absolute(text, ec).lexically_normal();
    if (!fs::exists(folder, ec)) return fail("there is no such folder", text, "check the path", "file");
    if (!fs::is_directory(folder, ec)) {
      if (folder.extension() != ".py")
        return fail("this is neither a folder nor a Python file", text, "name folders of problems", "file");
      if (seen.insert(folder).second) all.push_back({folder, folder.filename(), level_of(folder)});
      continue;
    }
    const auto skipped = [](const fs::path& path) {
      const auto name = path.filename().string();
      return name.empty() || name[0] == '_' || name[0] == '.';
    };
    fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, ec), end;
    for (; !ec && it != end; it.increment(ec)) {
      if (skipped(it->path())) {
        if (it->is_directory()) it.disable_recursion_pending();
        continue;
      }
      if (it->path().extension() != ".py" || !it->is_regular_file()) continue;
      const auto file = it->path().lexically_normal();
      if (seen.insert(file).second) all.push_back({file, file.lexically_relative(folder), level_of(file)});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Found& a, const Found& b) { return counts_before(a.file.string(), b.file.string()); });
  std::vector<ProblemSpec> problems;
  std::map<std::string, int> uses;
  std::vector<int> depth(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) depth[i] = all[i].level == "other" ? 0 : 1;
  for (int round = 0; round < 16; ++round) {
    uses.clear();
    for (std::size_t i = 0; i < all.size(); ++i) ++uses[name_with_folders(all[i], depth[i])];
    bool unique = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (uses[name_with_folders(all[i], depth[i])] > 1) ++depth[i], unique = false;
    }
    if (unique) break;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    ProblemSpec spec;
    spec.file = all[i].file.string();
    spec.name = name_with_folders(all[i], depth[i]);
    spec.level = all[i].level;
    const auto matches = [&](const std::string& text) { return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0; };
    if (glob.empty() || matches(spec.name) || matches(all[i].file.stem().string()) ||
        matches(all[i].relative.string()) || matches(all[i].file.filename().string())) {
      problems.push_back(std::move(spec));
    }
  }
  if (problems.empty()) {
    return fail(glob.empty() ? "there are no Python files" : "no problem matches \"" + glob + "\"",
                folders.empty() ? "" : folders.front(), "name folders that hold problem files", "file");
  }
  return problems;
}

}  // namespace burnish
