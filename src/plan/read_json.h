#pragma once
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace burnish {

/// Text to JSON without trust: comments, duplicate keys, nesting deeper than limits::nesting and objects larger than
/// limits::keys are errors, which name line and column where the text is not JSON.
Result<json> read_json(std::string_view text);

}  // namespace burnish
