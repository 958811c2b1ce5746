#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish {

/// The store's folder: $BURNISH_HOME, else the platform's data folder ($XDG_DATA_HOME, ~/.local/share, ~/Library).
Result<std::filesystem::path> data_folder();

/// The running executable, symbolic links resolved.
std::filesystem::path executable_path();

/// The first executable file of that name on PATH, or an empty path. A name with a slash is taken as it is.
std::filesystem::path find_program(std::string_view name);

/// A fresh folder, removed with all that is in it when the object goes.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make(std::string_view prefix);
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace burnish
