#include "plan/region.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "plan/names.h"
#include "plan/own_memory.h"
#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using Names = std::unordered_set<std::string>;

bool meet(const OwnMemory::Allocations& a, const OwnMemory::Allocations& b) {
  return std::ranges::any_of(a, [&](std::size_t allocation) { return b.contains(allocation); });
}

/// What a growing set of steps makes and touches; whether a later step depends on it.
struct Taint {
  Names made;
  OwnMemory::Allocations touched, written;

  void add(const Step& step, std::size_t index, const OwnMemory& memory) {
    for (std::string& name : outputs_of(step))
      if (!name.empty()) made.insert(std::move(name));
    touched.insert(memory.touched_by(index).begin(), memory.touched_by(index).end());
    written.insert(memory.written_by(index).begin(), memory.written_by(index).end());
  }
  bool reaches(const Step& step, std::size_t index, const OwnMemory& memory) const {
    return std::ranges::any_of(inputs_of(step), [&](const std::string& name) { return made.contains(name); }) ||
           meet(memory.written_by(index), touched) || meet(memory.touched_by(index), written);
  }
};

std::string name_of(const Plan& plan, std::size_t step) {
  return describe_step("steps", step, plan.steps[step]);
}

/// Sorts the other steps into those before and those after the region.
Status order_others(const Plan& plan, const OwnMemory& memory, const std::vector<bool>& inside_region, Region& region) {
  Taint of_region, of_after;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    if (inside_region[i]) {
      if (of_after.reaches(step, i, memory))
        return fail("a step outside would have to run in the middle of the region", name_of(plan, i),
                    "add the steps between to the region");
      of_region.add(step, i, memory);
    } else if (of_region.reaches(step, i, memory) || of_after.reaches(step, i, memory)) {
      of_after.add(step, i, memory);
      region.after.push_back(i);
    } else {
      region.before.push_back(i);
    }
  }
  return {};
}

/// Memory is allocated, and written for the first time, on the same side of the border. Only an operator's form says
/// that it writes; of a launch it is assumed for memory that nothing wrote before.
Status check_memory(const Plan& plan, const OwnMemory& memory, const std::vector<bool>& inside_region) {
  OwnMemory::Allocations filled;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const auto* allocate = std::get_if<AllocateStep>(&plan.steps[i]);
    if (allocate && allocate->zero) filled.insert(i);
    if (allocate) continue;
    const bool writes_surely = std::holds_alternative<OpStep>(plan.steps[i]);
    for (const std::size_t allocation : memory.written_by(i)) {
      const bool first = filled.insert(allocation).second;
      if (inside_region[i] == inside_region[allocation] || (!first && !writes_surely)) continue;
      if (inside_region[i])
        return fail(fmt::format("the region writes to memory of {}", name_of(plan, allocation)), name_of(plan, i),
                    "add that step, and all that write to it, to the region");
      return fail(fmt::format("memory of {} is written outside the region", name_of(plan, allocation)),
                  name_of(plan, i), "add this step to the region, or leave that one out");
    }
  }
  return {};
}

void add_once(std::vector<std::string>& list, Names& seen, const std::string& name) {
  if (seen.insert(name).second) list.push_back(name);
}

bool has(const std::vector<std::pair<std::string, std::string>>& pairs, const std::string& name) {
  return std::ranges::find(pairs, name, &std::pair<std::string, std::string>::first) != pairs.end();
}

void find_inputs(const Plan& plan, const Names& made, const Names& prepared, Region& region) {
  Names seen;
  for (const std::size_t i : region.steps)
    for (const std::string& name : inputs_of(plan.steps[i])) {
      if (made.contains(name)) continue;
      if (has(plan.params, name))
        add_once(region.params, seen, name);
      else if (has(plan.constants, name))
        add_once(region.constants, seen, name);
      else if (prepared.contains(name))
        add_once(region.prepared, seen, name);
      else
        add_once(region.inputs, seen, name);
    }
}

void find_outputs(const Plan& plan, Region& region) {
  Names read;
  for (const std::size_t i : region.after)
    for (std::string& name : inputs_of(plan.steps[i])) read.insert(std::move(name));
  for (std::string& name : result_names(plan.result)) read.insert(std::move(name));
  for (const std::size_t i : region.steps)
    for (const std::string& name : outputs_of(plan.steps[i]))
      if (!name.empty() && read.contains(name)) region.outputs.push_back(name);
}

}  // namespace

Result<Region> find_region(const Plan& plan, std::vector<std::size_t> steps) {
  Region region;
  std::ranges::sort(steps);
  const auto [first, last] = std::ranges::unique(steps);
  steps.erase(first, last);
  if (steps.empty()) return fail("the region has no steps");
  if (steps.back() >= plan.steps.size())
    return fail(fmt::format("there is no step {}: the plan has {}", steps.back(), plan.steps.size()), "steps");
  std::vector<bool> inside_region(plan.steps.size());
  for (const std::size_t i : steps) inside_region[i] = true;
  region.steps = std::move(steps);
  const OwnMemory memory(plan.steps);
  if (auto ok = order_others(plan, memory, inside_region, region); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_memory(plan, memory, inside_region); !ok) return std::unexpected(std::move(ok.error()));
  Names made, prepared;
  for (const std::size_t i : region.steps)
    for (std::string& name : outputs_of(plan.steps[i])) made.insert(std::move(name));
  for (const Step& step : plan.prepare)
    for (std::string& name : outputs_of(step)) prepared.insert(std::move(name));
  find_inputs(plan, made, prepared, region);
  find_outputs(plan, region);
  return region;
}

}  // namespace burnish
