#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// A set of steps of a plan that can be taken out as one: what goes in, what comes out, what runs before and after it.
struct Region {
  std::vector<std::size_t> steps;          ///< ascending
  std::vector<std::size_t> before, after;  ///< the other steps, in an order that keeps every dependency
  std::vector<std::string> inputs;         ///< plan inputs and results of other steps that the region reads
  std::vector<std::string> outputs;        ///< results of the region that other steps or the plan's result read
  std::vector<std::string> params, constants, prepared;  ///< those that the region reads
};

/// Looks at the steps with these indices (of plan.steps, in any order). An error where one does not exist, where a step
/// outside would have to run in the middle, and where memory that is allocated on one side of the border is
/// first written on the other: the message says which step to add or leave out.
Result<Region> find_region(const Plan& plan, std::vector<std::size_t> steps);

}  // namespace burnish
