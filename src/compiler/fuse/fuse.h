#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// Joins pointwise steps, reductions and the views between them into kernels, one `empty` and one `launch` for each.
/// Stands last among the passes that rewrite ATen steps: what it leaves are launches, whose insides no pass sees.
Result<Plan> fuse(Plan plan, Context& context);

/// Removes steps whose outputs nothing reads. Stands after every pass that leaves such steps behind.
Result<Plan> drop_dead_steps(Plan plan, Context& context);

}  // namespace burnish::compiler
