#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

/// A fenced block of Markdown.
struct FencedBlock {
  std::string info;    ///< the fence's info string: "json plan.json", "cpp title=kernels.cpp"
  std::string before;  ///< the last line of prose before the fence
  std::string text;
  bool closed = true;  ///< false: the text ended before its closing fence
};

/// The blocks that hold anything, in order. A doubled opening fence is one; an opening fence inside a block closes it.
std::vector<FencedBlock> fenced_blocks(std::string_view text);

std::string_view trimmed(std::string_view text);

}  // namespace burnish
