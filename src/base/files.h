#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish {

/// The whole file as bytes. Refuses folders, devices and files above `limit_bytes`, so that a hostile path cannot
/// fill memory. Errors carry the path and the system's own words.
/// `links`: refuse fails where the path itself is a symbolic link (its folders may be), for what strangers wrote.
enum class Links { follow, refuse };
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes = std::uint64_t{1} << 40,
                              Links links = Links::follow);

/// Writes `bytes` beside `path` under another name and renames it, so that a reader, or a kill at any time, sees the
/// old file or the new one whole. Missing folders are made. The temporary file is removed where anything fails.
Status write_file(const std::filesystem::path& path, std::string_view bytes);

/// A name that can be a file's, at most `most` characters of it: what is neither letter nor digit nor in `kept` becomes
/// "_", and a dot does not come first.
std::string file_name(std::string_view text, std::string_view kept = ".-_", std::size_t most = std::string_view::npos);

}  // namespace burnish
