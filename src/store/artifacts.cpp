#include "store/artifacts.h"

#include "base/files.h"
#include "base/hash.h"

namespace burnish {
namespace fs = std::filesystem;
fs::path Artifacts::path(const std::string& name) const {
  return folder_ / name.substr(0, 2) / name;
}

Result<std::string> Artifacts::put(std::string_view bytes) const {
  const auto name = hash_hex(bytes);
  const auto file = path(name);
  std::error_code ec;
  // A size that differs is a torn write of a disk that lied: write it again.
  if (fs::exists(file, ec) && fs::file_size(file, ec) == bytes.size() && !ec) {
    // A prune that runs now spares young files: make this one young.
    fs::last_write_time(file, fs::file_time_type::clock::now(), ec);
    if (fs::exists(file, ec)) return name;
  }
  fs::create_directories(file.parent_path(), ec);
  if (ec) return fail("the store cannot be written", file.parent_path().string(), ec.message(), "environment");
  if (auto ok = write_file(file, bytes); !ok) {
    ok.error().reason = "environment";
    return std::unexpected(ok.error());
  }
  return name;
}

Result<std::string> Artifacts::put_file(const fs::path& file) const {
  TRY(bytes, read_file(file, std::uintmax_t{16} << 30));
  return put(bytes);
}

Result<std::string> Artifacts::get(const std::string& name) const {
  auto bytes = read_file(path(name), std::uintmax_t{16} << 30);
  if (!bytes) return fail("an artifact is missing from the store", path(name).string(), "run it again", "environment");
  if (hash_hex(*bytes) != name) {
    return fail("an artifact of the store is damaged", path(name).string(), "remove the file and run it again",
                "environment");
  }
  return bytes;
}

std::vector<std::string> Artifacts::list() const {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& folder : fs::directory_iterator(folder_, ec)) {
    std::error_code inner;
    for (const auto& file : fs::directory_iterator(folder.path(), inner)) {
      auto name = file.path().filename().string();
      if (name.size() == 32) names.push_back(std::move(name));
    }
  }
  return names;
}

Status Artifacts::remove(const std::string& name) const {
  std::error_code ec;
  fs::remove(path(name), ec);
  if (ec) return fail("an artifact cannot be removed", path(name).string(), ec.message());
  return {};
}

}  // namespace burnish
