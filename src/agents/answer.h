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

/// Reads what a model wrote, in whatever way it wrote it: fences missing, doubled, nested, of tildes, in lists and
/// quotations; tags; JSON that holds the files; here-documents; nothing around at all. File names stand in the info
/// string, in a heading or comment above, or in the first comment. Of several plans the last whole one counts, of
/// several blocks for a file the last one with all its kernels. What had to be guessed is a remark. Thoughts (<think>)
/// count only where nothing else does. Errors say what was looked for and found, or which line of the plan cannot be
/// read, in words for the model's next attempt. tests/agents/answers has an example of each.
Result<Answer> read_answer(std::string_view text);

}  // namespace burnish
