#pragma once
#include <string>
#include <string_view>

namespace burnish {

/// SHA-256 (FIPS 180-4) in hexadecimal: what manifests name files by, since Python's hashlib has it, too.
std::string sha256(std::string_view bytes);

}  // namespace burnish
