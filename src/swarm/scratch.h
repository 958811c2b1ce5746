#pragma once
#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/process.h"

namespace burnish {

/// The folder inside that holds the objects which workers load.
inline constexpr const char* loaded_objects = "objects";

/// A folder of this process for candidates on their way to the judge. Removed at the end; those of processes that were
/// killed are removed by the next one (each holds a lock as long as its process lives).
class Scratch {
 public:
  static Result<Scratch> make();
  Scratch(Scratch&&) = default;
  ~Scratch();
  const std::filesystem::path& path() const { return path_; }
  /// A fresh folder inside.
  Result<std::filesystem::path> folder(const std::string& name) const;
  void remove(const std::string& name) const;

 private:
  Scratch(std::filesystem::path path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  Fd lock_;
};

}  // namespace burnish
