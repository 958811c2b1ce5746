#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish {

/// Compiled objects by their content key. With a folder `loaded` they are kept compressed (an object is mostly the
/// empty ends of its pages) and lie whole only there, for workers to load, until its owner removes it; without one they
/// lie whole where they are kept. What either way wrote, the other finds.
class ObjectCache {
 public:
  ObjectCache() = default;
  ObjectCache(std::filesystem::path kept, std::filesystem::path loaded = {})  // NOLINT: a folder is a cache
      : kept_(std::move(kept)), loaded_(std::move(loaded)) {}

  /// A whole file that can be loaded; none where the object is missing or damaged: then it is compiled again.
  std::optional<std::filesystem::path> find(const std::string& name) const;
  /// Keeps it; gives the file that can be loaded.
  Result<std::filesystem::path> keep(const std::string& name, std::string_view bytes) const;
  const std::filesystem::path& folder() const { return kept_; }

 private:
  std::filesystem::path kept_, loaded_;
};

}  // namespace burnish
