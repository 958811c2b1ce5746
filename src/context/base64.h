#pragma once
#include <string>
#include <string_view>

namespace burnish {

/// RFC 4648's base64, with padding.
std::string base64(std::string_view bytes);

}  // namespace burnish
