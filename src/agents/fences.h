#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

inline constexpr std::size_t npos = std::string_view::npos;  ///< as everything that reads an answer calls it

/// A block of an answer: what stands between fences, or between tags that name a file.
struct FencedBlock {
  std::string info;                 ///< the fence's info string ("json plan.json"), or the tag as it is written
  std::vector<std::string> before;  ///< the lines of prose since the block before, the nearest first, at most four
  std::string text;
  bool closed = true;            ///< false: the text ended before its closing fence
  std::size_t line = 1;          ///< of the opening fence in the text
  std::size_t nested_marks = 0;  ///< longest fence inside: the block wraps others
};

/// The blocks that hold anything, in order. Fences are three or more ` or ~ or ', also indented or behind "> ". A
/// doubled fence is one; an opening fence inside a block closes it, unless it is shorter than the block's own; a block
/// of Markdown gives the blocks inside it. A tag whose name or attribute is a file's (<file name="k.cpp">, <k.cpp>),
/// and <plan>, <kernel>, <code>, <pre> at a line's start are blocks too.
std::vector<FencedBlock> fenced_blocks(std::string_view text);

std::string_view trimmed(std::string_view text);

/// Whether a name in C++, Python or JSON without quotes may have it.
bool is_word(char c);

/// Whether a line looks like the first of a source or of JSON, not like prose.
bool begins_code(std::string_view line);

}  // namespace burnish
