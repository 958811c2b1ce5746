#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

/// JSON as models write it.
namespace burnish {

/// JSON with //, # and /* */ comments, trailing commas and Python's True/False/None outside strings, as plain JSON text
/// with the same lines.
std::string plain_json(std::string_view text);

/// Looser still: strings in ', “ or ` or over several lines, keys and expressions without quotes, tuples, missing
/// commas. What is left out as "..." stays and does not parse.
std::string loose_json(std::string_view text);

/// The text as JSON text that parses, as it stands where it can be. The Error names the line (counted from
/// `first_line`), shows it and says what is wrong with it.
Result<std::string> readable_json(std::string_view text, std::size_t first_line);

/// The end of the object or list whose bracket opens at `begin`, past its last bracket; npos where it never ends.
std::size_t end_of_value(std::string_view text, std::size_t begin);

}  // namespace burnish
