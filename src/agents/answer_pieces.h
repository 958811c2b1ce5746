#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agents/fences.h"

/// The files of an answer before anybody knows which plan they belong to.
namespace burnish {

/// One file's text, or what may be one.
struct Piece {
  std::vector<std::string> names;  ///< what it may be called, the most telling first, folders cut off
  std::string text;
  std::string info;      ///< of its fence
  std::size_t line = 1;  ///< of its first line in the answer
  bool titled = false;   ///< its first name stands in the fence, in a comment or in a heading, not in prose
  bool closed = true;
};

/// What a block holds: usually one piece; more where it has here-documents (cat > k.cpp <<EOF) or title lines between
/// files. Remarks say what was cut off names.
std::vector<Piece> pieces_of(const FencedBlock& block, std::vector<std::string>& remarks);

/// Pieces that stand outside any fence: below a line that holds a source's name and little else, or the one stretch of
/// code that there is.
std::vector<Piece> unfenced_pieces(std::string_view text);

/// The text after a model's thoughts (<think>, channels), or all of it.
std::string_view after_thoughts(std::string_view text);

/// LF for CR LF, spaces for no-break spaces, no byte order marks, zero-width spaces or tokens of a chat template at the
/// end.
std::string normal_text(std::string_view text);

bool is_python_model(std::string_view text);
bool is_kernel_source(std::string_view text);

}  // namespace burnish
