#include "base/hash.h"

// Header only: the libtorch side compiles this file too and needs no library more.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/files.h"

namespace burnish {

std::string hash_hex(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : canonical.digest) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

Result<std::string> hash_file(const std::filesystem::path& path) {
  TRY(bytes, read_file(path));
  return hash_hex(bytes);
}

}  // namespace burnish
