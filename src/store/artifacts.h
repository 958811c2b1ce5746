#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace burnish {

/// A folder of files named by their content (XXH128, hexadecimal); what shrinks is a gzip file (NAME.gz), so a store
/// may hold both kinds. Written by rename, never changed, shared by all runs and processes. A file that nothing names
/// any more is an orphan, which `burnish prune` removes.
class Artifacts {
 public:
  explicit Artifacts(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Keeps the bytes; gives their name. Bytes that are there already cost a hash and a stat.
  Result<std::string> put(std::string_view bytes) const;
  Result<std::string> put_file(const std::filesystem::path& file) const;

  Result<std::string> get(const std::string& name) const;
  /// The file of that name, as it is there or would be.
  std::filesystem::path path(const std::string& name) const;
  /// All names that are there, temporary files of dead writers not included.
  std::vector<std::string> list() const;
  Status remove(const std::string& name) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace burnish
