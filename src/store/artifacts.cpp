#include "store/artifacts.h"

#include <array>
#include <fstream>
#include <optional>

#include "base/files.h"
#include "base/gzip.h"
#include "base/hash.h"

namespace burnish {
namespace fs = std::filesystem;
namespace {

constexpr const char* packed_suffix = ".gz";

/// The size of what a gzip file holds, modulo 2^32, as its last four bytes say; nothing where there are none.
std::optional<std::uint32_t> size_inside(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<unsigned char, 4> last{};
  if (!in.seekg(-4, std::ios::end) || !in.read(reinterpret_cast<char*>(last.data()), 4)) return {};
  return last[0] | last[1] << 8 | last[2] << 16 | static_cast<std::uint32_t>(last[3]) << 24;
}

/// A size that differs is a torn write of a disk that lied.
bool has_size(const fs::path& file, std::uint64_t size) {
  std::error_code ec;
  if (file.extension() == packed_suffix) return size_inside(file) == static_cast<std::uint32_t>(size);
  return fs::file_size(file, ec) == size && !ec;
}

}  // namespace

fs::path Artifacts::path(const std::string& name) const {
  const auto whole = folder_ / name.substr(0, 2) / name;
  const fs::path packed = whole.string() + packed_suffix;
  std::error_code ec;
  return fs::exists(packed, ec) ? packed : whole;
}

Result<std::string> Artifacts::put(std::string_view bytes) const {
  const auto name = hash_hex(bytes);
  auto file = path(name);
  std::error_code ec;
  if (fs::exists(file, ec) && has_size(file, bytes.size())) {
    // A prune that runs now spares young files: make this one young.
    fs::last_write_time(file, fs::file_time_type::clock::now(), ec);
    if (fs::exists(file, ec)) return name;
  }
  fs::create_directories(file.parent_path(), ec);
  if (ec) return fail("the store cannot be written", file.parent_path().string(), ec.message(), "environment");
  std::string packed;
  if (worth_gzip(bytes)) {
    TRY(smaller, gzip(bytes));
    packed = std::move(smaller);
  }
  const bool pack = !packed.empty() && packed.size() < bytes.size();
  file = file.parent_path() / (pack ? name + packed_suffix : name);
  if (auto ok = write_file(file, pack ? std::string_view(packed) : bytes); !ok) {
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
  const auto file = path(name);
  auto bytes = read_file(file, std::uintmax_t{16} << 30);
  if (!bytes) return fail("an artifact is missing from the store", file.string(), "run it again", "environment");
  if (file.extension() == packed_suffix) bytes = gunzip(*bytes);
  if (!bytes || hash_hex(*bytes) != name) {
    return fail("an artifact of the store is damaged", file.string(), "remove the file and run it again",
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
      fs::path kept = file.path().filename();
      if (kept.extension() == packed_suffix) kept.replace_extension();
      if (kept.native().size() == 32) names.push_back(kept.native());
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
