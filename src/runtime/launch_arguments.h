#pragma once
#include "plan/plan.h"
#include "runtime/frame.h"
#include "runtime/scope.h"

namespace burnish {

/// One argument of a launch against the letter of the kernel's signature.
Result<KernelArgument> resolve_argument(const Arg& arg, char letter, Scope& scope);

/// All arguments of a launch; an Error counts them or names the argument.
Result<std::vector<KernelArgument>> resolve_arguments(const LaunchStep& step, const std::string& signature,
                                                      Scope& scope);

/// The eight bytes that hold an argument in a call: the pointer, the integer, or the float in the low half.
void* pack(const KernelArgument& arg, const Frame& frame);

}  // namespace burnish
