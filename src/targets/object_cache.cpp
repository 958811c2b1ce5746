#include "targets/object_cache.h"

#include "base/files.h"
#include "base/gzip.h"

namespace fs = std::filesystem;

namespace burnish {
namespace {

/// Workers run as another user.
Result<fs::path> write_readable(const fs::path& file, std::string_view bytes) {
  if (auto ok = write_file(file, bytes); !ok) return std::unexpected(ok.error());
  std::error_code ec;
  fs::permissions(file, fs::perms(0644), ec);
  return file;
}

}  // namespace

std::optional<fs::path> ObjectCache::find(const std::string& name) const {
  std::error_code ec;
  for (const auto& folder : {loaded_, kept_})
    if (!folder.empty() && fs::exists(folder / name, ec)) return folder / name;
  const auto packed = read_file(kept_ / (name + ".gz"));
  if (!packed) return {};
  const auto bytes = gunzip(*packed);
  if (!bytes) return {};
  const auto file = write_readable((loaded_.empty() ? kept_ : loaded_) / name, *bytes);
  return file ? std::optional(*file) : std::nullopt;
}

Result<fs::path> ObjectCache::keep(const std::string& name, std::string_view bytes) const {
  if (loaded_.empty()) return write_readable(kept_ / name, bytes);
  TRY(packed, gzip(bytes));
  if (auto ok = write_file(kept_ / (name + ".gz"), packed); !ok) return std::unexpected(ok.error());
  return write_readable(loaded_ / name, bytes);
}

}  // namespace burnish
