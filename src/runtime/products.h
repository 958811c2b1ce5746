#pragma once
#include "runtime/frame.h"
#include "runtime/instructions.h"

namespace burnish {

/// Products that one element of a product's or convolution's first result sums; 0 for every other operator. Asked
/// before the operator runs: its operands may be gone after.
double terms_of_product(const OpInstruction& op, const Frame& frame);

}  // namespace burnish
