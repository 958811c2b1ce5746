#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "plan/check_step.h"
#include "plan/plan.h"

/// Rules of functions, loops and choices.
namespace burnish {

/// The function exists and gets and gives as many tensors as it wants; loops have sane bounds; prefixes mention loops.
/// Does not look at the tensors themselves.
Status check_call(const CallStep& step, const CheckScope& scope);
Status check_choice(const ChoiceStep& step, const CheckScope& scope);

/// The plan's functions such that each stands after those that it calls. An error where they call each other in a
/// circle, where one does not exist, and where calls nest too deep.
Result<std::vector<const std::pair<std::string, Function>*>> callees_first(const Plan& plan);

/// What callers of a function must know, from its text and the facts of what it calls.
FunctionFacts facts_of(const Function& function, const std::unordered_map<std::string, FunctionFacts>& known);

}  // namespace burnish
