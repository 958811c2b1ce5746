#pragma once
#include <utility>
#include <vector>

#include "runtime/instructions.h"

namespace burnish {

/// A choice or a loop in the code: the instruction that begins it and the last one that belongs to it.
struct Region {
  std::size_t branch, join;
};

/// Fills the instructions' release lists and marks operands at their last use. Slots in `live_out` are never released.
void find_last_uses(Code& code, const std::vector<Region>& regions, const std::vector<std::int32_t>& live_out);

/// The entries of the fixed tensors that the code reads, each once, in order.
std::vector<std::size_t> fixed_entries_read(Code& code);

}  // namespace burnish
