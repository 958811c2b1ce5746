#pragma once
#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// Whether the plan is legal, from its text alone: names are assigned once and before use, what is called and launched
/// exists and gets as many arguments as it wants, nothing writes to inputs, parameters or constants, files stay in the
/// plan's folder, limits hold. docs/plan.md lists every rule. Whether an operator exists and what it takes is checked
/// by the runtime when it loads the plan. Errors name section, step and argument and have the reason "plan".
Status check(const Plan& plan);

}  // namespace burnish
