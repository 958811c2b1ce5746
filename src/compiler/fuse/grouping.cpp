#include "compiler/fuse/grouping.h"

#include <algorithm>

#include "compiler/fuse/emit.h"
#include "compiler/fuse/schedule.h"

namespace burnish::compiler {
namespace {

constexpr std::size_t most_steps = 96;  // of one kernel: compile time grows with its text

}  // namespace

Grouping::Grouping(const Plan& plan, const Context& context)
    : plan_(plan), context_(context), index_(index_steps(plan)), group_of_(plan.steps.size(), -1) {}

void Grouping::run() {
  for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
    const auto* step = std::get_if<OpStep>(&plan_.steps[i]);
    if (step == nullptr || !is_fusable(*step, context_)) continue;
    join(static_cast<int>(i), *step);
  }
}

void Grouping::join(int i, const OpStep& step) {
  std::set<int> sources;
  for_each_input(Step{step}, [&](const std::string& name) { find_groups(name, sources); });
  std::set<int> all{i};
  for (const int g : sources)
    all.insert(groups_[static_cast<std::size_t>(g)].begin(), groups_[static_cast<std::size_t>(g)].end());
  if (!sources.empty() && try_set(all, sources)) return;
  std::vector<int> by_size(sources.begin(), sources.end());
  std::ranges::stable_sort(by_size, [&](int a, int b) {
    return groups_[static_cast<std::size_t>(a)].size() > groups_[static_cast<std::size_t>(b)].size();
  });
  if (sources.size() > 1) {
    for (const int g : by_size) {
      std::set<int> one = groups_[static_cast<std::size_t>(g)];
      one.insert(i);
      if (try_set(one, {g})) return;
    }
  }
  try_set({i}, {});
}

void Grouping::find_groups(const std::string& name, std::set<int>& out) const {
  const auto p = index_.producer.find(name);
  if (p == index_.producer.end()) return;
  const int g = group_of_[static_cast<std::size_t>(p->second)];
  if (g >= 0) {
    out.insert(g);
    return;
  }
  const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(p->second)]);
  if (step != nullptr && is_view(*step) && !step->args.empty() && as_name(step->args[0]) != nullptr)
    find_groups(*as_name(step->args[0]), out);
}

bool Grouping::try_set(const std::set<int>& members, const std::set<int>& merged) {
  if (members.size() > most_steps || makes_cycle(members)) return false;
  auto group = build_group(plan_, index_, context_, members);
  if (!group) return false;
  const auto schedule = make_schedule(std::move(*group), context_);
  if (!schedule || !emit(*schedule, "kernel", *context_.options.language)) return false;
  const int id = merged.empty() ? static_cast<int>(groups_.size()) : *merged.begin();
  if (merged.empty()) groups_.emplace_back();
  for (const int g : merged) groups_[static_cast<std::size_t>(g)].clear();
  groups_[static_cast<std::size_t>(id)] = members;
  for (const int m : members) group_of_[static_cast<std::size_t>(m)] = id;
  return true;
}

/// True if some path leaves the set and comes back: then the steps cannot be one kernel.
bool Grouping::makes_cycle(const std::set<int>& members) const {
  std::set<int> seen;
  std::vector<int> open;
  const auto leave = [&](int from) {
    for (const std::string& name : filled(from)) {
      const auto it = index_.consumers.find(name);
      if (it == index_.consumers.end()) continue;
      for (const int c : it->second)
        if (c > from && seen.insert(c).second) open.push_back(c);
    }
  };
  const auto is_inner_view = [&](int s) {
    const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(s)]);
    return step != nullptr && is_view(*step);
  };
  // Direct edges inside the set, also through views, are no cycle: the kernel computes those itself.
  std::set<int> inner = members;
  std::vector<int> grow(members.begin(), members.end());
  while (!grow.empty()) {
    const int s = grow.back();
    grow.pop_back();
    for (const std::string& name : outputs(plan_.steps[static_cast<std::size_t>(s)])) {
      const auto it = index_.consumers.find(name);
      if (it == index_.consumers.end()) continue;
      for (const int c : it->second)
        if (is_inner_view(c) && inner.insert(c).second) grow.push_back(c);
    }
  }
  for (const int s : inner)
    for (const std::string& name : outputs(plan_.steps[static_cast<std::size_t>(s)])) {
      const auto it = index_.consumers.find(name);
      if (it == index_.consumers.end()) continue;
      for (const int c : it->second)
        if (!inner.contains(c) && seen.insert(c).second) open.push_back(c);
    }
  while (!open.empty()) {
    const int s = open.back();
    open.pop_back();
    if (members.contains(s)) return true;
    const int g = group_of_[static_cast<std::size_t>(s)];
    if (g >= 0)
      for (const int other : groups_[static_cast<std::size_t>(g)])
        if (seen.insert(other).second) open.push_back(other);
    leave(s);
  }
  return false;
}

/// What a step makes: its outputs, and of a template's kernel the tensors that an `empty` only named.
std::vector<std::string> Grouping::filled(int s) const {
  const Step& step = plan_.steps[static_cast<std::size_t>(s)];
  std::vector<std::string> names = outputs(step);
  const auto* launch = std::get_if<LaunchStep>(&step);
  if (launch == nullptr) return names;
  for (const Arg& a : launch->args) {
    const std::string* name = as_name(a);
    const auto p = name == nullptr ? index_.producer.end() : index_.producer.find(*name);
    if (p == index_.producer.end()) continue;
    if (std::holds_alternative<AllocateStep>(plan_.steps[static_cast<std::size_t>(p->second)])) names.push_back(*name);
  }
  return names;
}

}  // namespace burnish::compiler
