#pragma once
#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// The same plan without calls and loops: bodies stand where they were called, loops are unrolled, parameter prefixes
/// are put in front of paths, and what a function prepares is prepared once for each prefix. Local names get the
/// function's name and a number behind them ("y.block2"); results keep the name that the caller gave them. A choice
/// stays, with two functions of its own that are flat as well and name parameters in full.
///
/// The plan must have passed check(), and the result passes it. An error where a loop's bounds are no plain
/// integers or more steps would come out than limits::steps.
Result<Plan> inline_calls(const Plan& plan);

/// Whether the plan has neither calls nor choices.
bool is_flat(const Plan& plan);

}  // namespace burnish
