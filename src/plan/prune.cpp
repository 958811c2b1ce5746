#include "plan/prune.h"

#include <algorithm>
#include <unordered_set>

#include "plan/own_memory.h"
#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using Names = std::unordered_set<std::string>;

void add_reads(const std::vector<Step>& steps, Names& names) {
  for (const Step& step : steps)
    for (std::string& name : inputs_of(step)) names.insert(std::move(name));
}

/// Walks back from what is read; a step that writes to memory that is read later stays as well.
void prune_prepare(std::vector<Step>& prepare, Names& read) {
  const OwnMemory memory(prepare);
  OwnMemory::Allocations live;
  for (const std::string& name : read)
    if (const auto allocation = memory.allocation_of(name)) live.insert(*allocation);
  std::vector<Step> kept;
  for (std::size_t i = prepare.size(); i-- > 0;) {
    const auto outputs = outputs_of(prepare[i]);
    const auto is_read = [&](const std::string& name) { return read.contains(name); };
    const auto is_live = [&](std::size_t allocation) { return live.contains(allocation); };
    if (std::ranges::none_of(outputs, is_read) && std::ranges::none_of(memory.written_by(i), is_live)) continue;
    for (std::string& name : inputs_of(prepare[i])) read.insert(std::move(name));
    live.insert(memory.touched_by(i).begin(), memory.touched_by(i).end());
    kept.push_back(std::move(prepare[i]));
  }
  std::ranges::reverse(kept);
  prepare = std::move(kept);
}

void keep_read(std::vector<std::pair<std::string, std::string>>& pairs, const Names& read) {
  std::erase_if(pairs, [&](const auto& pair) { return !read.contains(pair.first); });
}

/// Drops functions until only called ones are left: a function may be called by one that goes.
void prune_functions(Plan& plan) {
  for (std::size_t before = plan.functions.size() + 1; before != plan.functions.size();) {
    before = plan.functions.size();
    Names called;
    const auto walk = [&](const std::vector<Step>& steps) {
      for (const Step& step : steps)
        for (std::string& name : functions_of(step)) called.insert(std::move(name));
    };
    walk(plan.prepare);
    walk(plan.steps);
    for (const auto& [name, function] : plan.functions) walk(function.prepare), walk(function.steps);
    std::erase_if(plan.functions, [&](const auto& pair) { return !called.contains(pair.first); });
  }
}

void prune_kernels(Plan& plan) {
  Names launched;
  const auto walk = [&](const std::vector<Step>& steps) {
    for (const Step& step : steps)
      if (const auto* launch = std::get_if<LaunchStep>(&step)) launched.insert(launch->kernel);
  };
  walk(plan.prepare);
  walk(plan.steps);
  for (const auto& [name, function] : plan.functions) walk(function.prepare), walk(function.steps);
  std::erase_if(plan.kernels, [&](const auto& pair) { return !launched.contains(pair.first); });
}

}  // namespace

void prune(Plan& plan) {
  for (auto& [name, function] : plan.functions) {
    Names read(function.result.begin(), function.result.end());
    add_reads(function.steps, read);
    prune_prepare(function.prepare, read);
    keep_read(function.params, read);
  }
  const auto result = result_names(plan.result);
  Names read(result.begin(), result.end());
  add_reads(plan.steps, read);
  prune_prepare(plan.prepare, read);
  keep_read(plan.params, read);
  keep_read(plan.constants, read);
  prune_functions(plan);
  prune_kernels(plan);
}

}  // namespace burnish
