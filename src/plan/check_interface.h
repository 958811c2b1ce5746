#pragma once
#include "base/error.h"
#include "plan/check_step.h"
#include "plan/plan.h"

/// Rules of what a plan shows to the outside: inputs, guards and kernel files.
namespace burnish {

/// Inputs and `where` are sound. Returns the symbols that a call binds.
Result<Symbols> check_inputs(const Plan& plan);

/// Kernels have good names and sources inside the plan's folder, and each is launched.
Status check_kernels(const Plan& plan);

/// Whether `path` names a file inside a folder: relative, without "..", ".", empty parts, backslashes or control
/// characters.
bool is_inside_folder(std::string_view path);

}  // namespace burnish
