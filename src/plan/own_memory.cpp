#include "plan/own_memory.h"

#include <algorithm>

#include "plan/step_names.h"
#include "plan/writes.h"

namespace burnish {
namespace {

void collect_tensors(const Arg& arg, std::vector<std::string>& out) {
  if (const auto* name = std::get_if<Arg::Name>(&arg.value)) out.push_back(name->tensor);
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.value))
    for (const Arg& item : *list) collect_tensors(item, out);
}

std::vector<std::string> maybe_written(const Step& step) {
  std::vector<std::string> names;
  if (const auto* launch = std::get_if<LaunchStep>(&step))
    for (const Arg& arg : launch->args) collect_tensors(arg, names);
  if (const auto* op = std::get_if<OpStep>(&step))
    for (const Arg* arg : written_by(*op)) collect_tensors(*arg, names);
  return names;
}

}  // namespace

OwnMemory::OwnMemory(const std::vector<Step>& steps) : touched_(steps.size()), written_(steps.size()) {
  const auto add = [&](Allocations& out, const std::string& name) {
    if (const auto found = of_name_.find(name); found != of_name_.end())
      out.insert(found->second.begin(), found->second.end());
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::string& name : inputs_of(steps[i])) add(touched_[i], name);
    for (const std::string& name : maybe_written(steps[i])) add(written_[i], name);
    const bool allocates = std::holds_alternative<AllocateStep>(steps[i]);
    if (allocates) touched_[i] = written_[i] = {i};
    for (const std::string& name : outputs_of(steps[i]))
      if (!name.empty() && !touched_[i].empty()) of_name_[name] = touched_[i];
  }
}

std::optional<std::size_t> OwnMemory::allocation_of(const std::string& name) const {
  const auto found = of_name_.find(name);
  if (found == of_name_.end()) return std::nullopt;
  return *std::ranges::min_element(found->second);
}

}  // namespace burnish
