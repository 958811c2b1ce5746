#pragma once
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "base/error.h"

namespace burnish {

/// Writes plain files into a POSIX ustar archive, one after another. Appears under its name when finish() succeeds.
class TarWriter {
 public:
  static Result<TarWriter> create(const std::filesystem::path& file);
  Status add(const std::string& name, std::string_view bytes);
  Status finish();

 private:
  TarWriter(std::filesystem::path file, std::ofstream out) : file_(std::move(file)), out_(std::move(out)) {}
  std::filesystem::path file_;
  std::ofstream out_;
};

/// Calls `each` for every plain file of an archive, in order. Fails on what is no whole ustar archive.
Status read_tar(const std::filesystem::path& file,
                const std::function<Status(const std::string& name, std::string bytes)>& each);

}  // namespace burnish
