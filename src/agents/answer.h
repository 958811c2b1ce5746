#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace burnish {

/// What a model's answer holds, read tolerantly: a plan with its kernel files, or a Python ModelNew.
struct Answer {
  std::string plan;                          ///< plan.json's text, comments and trailing commas removed; empty: none
  std::map<std::string, std::string> files;  ///< kernel file name (no folders) -> source
  std::string python;                        ///< a ModelNew file; empty: none
  std::vector<std::string> remarks;          ///< what had to be guessed, for the next attempt's feedback
};

/// Reads fenced blocks out of prose. Tolerates a missing last fence, doubled fences, tildes, a file name in the info
/// string or on the line before, JSON with comments and trailing commas, JSON without any fence. Where several blocks
/// claim one file the last one counts. Names with folders are cut to their last part and said. Errors say what was
/// looked for and what was found, in words for the model's next attempt.
Result<Answer> read_answer(std::string_view text);

/// JSON with // and /* */ comments, trailing commas and Python's True/False/None outside strings, as plain JSON text.
std::string plain_json(std::string_view text);

}  // namespace burnish
