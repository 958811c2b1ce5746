#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish {

/// xxHash128 of the bytes as 32 lower-case hexadecimal digits (the canonical, big-endian form that `xxhsum -H2`
/// prints). Fast, and strong against accidents; not against someone who wants two contents of one hash.
std::string hash_hex(std::string_view bytes);

/// The same of a whole file.
Result<std::string> hash_file(const std::filesystem::path& path);

}  // namespace burnish
