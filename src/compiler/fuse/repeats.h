#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// What one kernel makes only for another to read, where computing it again reads no more than it would: the second
/// kernel gets steps of its own. Halves what a long row costs that is reduced in several kernels.
void repeat_cheap_steps(Plan& plan, Context& context);

}  // namespace burnish::compiler
