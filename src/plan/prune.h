#pragma once
#include "plan/plan.h"

namespace burnish {

/// Removes what nothing uses: `prepare` steps (of the plan and of functions) whose results nothing reads, functions
/// that are never called, kernels that are never launched, parameters and constants that are never read. Steps that run
/// at every call stay: whether one of them may go is for the compiler to say.
void prune(Plan& plan);

}  // namespace burnish
