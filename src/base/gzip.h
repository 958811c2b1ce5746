#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace burnish {

/// The bytes as a gzip file (`zcat` reads it), always the same for the same bytes.
Result<std::string> gzip(std::string_view bytes);

/// What a gzip file holds. Fails where it is damaged, cut, or holds more than `limit_bytes`.
Result<std::string> gunzip(std::string_view packed, std::uint64_t limit_bytes = std::uint64_t{16} << 30);

/// Whether it pays: not for few bytes, and not for numbers that look random (a sample of a large file is tried).
bool worth_gzip(std::string_view bytes);

}  // namespace burnish
