#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// Puts ReLU and GELU's tanh form inside the products of halves that they alone follow, on a GPU: one call of
/// `_addmm_activation`, which hands bias and activation to cuBLASLt, in the place of two kernels. GELU by erf stays
/// outside, since the library computes the other form. Stands before `fuse`, which would take the activation.
Result<Plan> use_epilogues(Plan plan, Context& context);

}  // namespace burnish::compiler
