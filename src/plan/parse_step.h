#pragma once
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

namespace burnish {

/// The tensors that a string may name where a step stands.
using TensorNames = std::unordered_set<std::string>;

/// Reads one step. Its own outputs are added to `in_scope`. Errors name the argument, not the step.
Result<Step> parse_step(const json& step, TensorNames& in_scope);

}  // namespace burnish
