#include "compiler/fuse/fuse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <queue>

#include "compiler/fuse/emit.h"
#include "compiler/fuse/grouping.h"
#include "compiler/fuse/repeats.h"
#include "compiler/fuse/schedule.h"

namespace burnish::compiler {
namespace {

bool worth_a_kernel(const Plan& plan, const std::set<int>& members) {
  constexpr std::string_view copies[] = {"clone", "contiguous", "_to_copy", "to"};
  for (const int m : members) {
    const auto& step = std::get<OpStep>(plan.steps[static_cast<std::size_t>(m)]);
    if (std::ranges::find(copies, short_name(step.op)) == std::end(copies)) return true;
  }
  return false;  // a lone copy: ATen's tiles transposes, ours does not
}

/// Operations of a node over the space of its own axes: a group's other axes are not its, or have become its by another
/// name.
double operations(const Group& group, const Node& node) {
  if (node.kind != NodeKind::point && node.kind != NodeKind::reduce) return 0;
  const bool reduces = node.kind == NodeKind::reduce;
  const auto axes = group.axes_of(reduces ? node.operands[0].value : node.value);
  const Size points = product_of(group, {axes.begin(), axes.end()});
  return points.is_static() ? static_cast<double>(points.value()) * (reduces ? 1 : node.op->cost) : 0;
}

/// How much a kernel computes, and of which operators.
KernelWork work_of(const Plan& plan, const std::set<int>& members, const Group& group) {
  KernelWork work;
  for (const Node& node : group.nodes) work.flops += operations(group, node);
  std::vector<std::string_view> names;
  for (const int m : members) {
    const auto& step = std::get<OpStep>(plan.steps[static_cast<std::size_t>(m)]);
    if (!is_view(step)) names.push_back(short_name(step.op));
  }
  work.of = fmt::format("{}", fmt::join(names, ", "));
  return work;
}

}  // namespace

Result<Plan> fuse(Plan plan, Context& context) {
  for_each_result(plan.result,
                  [&](const std::string& name) { context.layouts.erase(name); });  // results lie as eager's do
  if (context.options.language->splits_rows) repeat_cheap_steps(plan, context);
  Grouping grouping(plan, context);
  grouping.run();

  // Units: a group, or a step of its own. Each stands where its last member stood, unless what reads it came before.
  const std::size_t n = plan.steps.size();
  std::vector<int> unit(n);
  std::map<int, std::vector<int>> members;
  for (std::size_t i = 0; i < n; ++i) {
    const int g = grouping.group_of(i);
    const bool fused = g >= 0 && worth_a_kernel(plan, grouping.groups()[static_cast<std::size_t>(g)]);
    unit[i] = fused ? *grouping.groups()[static_cast<std::size_t>(g)].rbegin() : static_cast<int>(i);
    members[unit[i]].push_back(static_cast<int>(i));
  }

  std::map<int, std::vector<Step>> made;
  std::map<int, std::vector<std::string>> reads;  // of a kernel: what it loads, which is not what its views read
  std::map<std::string, std::string> kernel_of_text;
  const Language& language = *context.options.language;
  std::string& source = context.sources[std::string(language.file)];
  for (const auto& [id, list] : members) {
    if (grouping.group_of(static_cast<std::size_t>(id)) < 0 || !worth_a_kernel(plan, {list.begin(), list.end()})) {
      made[id] = {plan.steps[static_cast<std::size_t>(id)]};
      for_each_input(made[id][0], [&](const std::string& name) { reads[id].push_back(name); });
      continue;
    }
    const std::set<int> set(list.begin(), list.end());
    auto group = build_group(plan, grouping.index(), context, set);
    if (!group) return fail("a group that was legal is no longer", "fuse", "report this as a bug of the compiler");
    const KernelWork work = work_of(plan, set, *group);
    const auto schedule = make_schedule(std::move(*group), context);
    auto text = schedule ? emit(*schedule, "{kernel}", language) : std::nullopt;
    if (!text)
      return fail("a kernel that could be written cannot be any more", "fuse", "report this as a bug of the compiler");
    std::string& kernel = kernel_of_text[text->source];
    if (kernel.empty()) {
      kernel = "fused_" + std::to_string(kernel_of_text.size());
      std::string body = text->source;
      body.replace(body.find("{kernel}"), 8, kernel);
      source += "\n" + body;
      plan.kernels.emplace_back(kernel, Kernel{std::string(language.file), std::nullopt});
    }
    reads[id] = text->inputs;
    if (!text->outputs.empty()) context.work[text->outputs[0]] = work;
    std::vector<Step>& steps = made[id];
    LaunchStep launch;
    launch.kernel = kernel;
    launch.range = text->range;
    launch.grain = text->grain;
    launch.grid = text->grid;
    launch.block = text->block;
    for (const std::string& name : text->inputs) {
      std::string use = name;
      if (!context.fixed_layout.contains(name)) {
        use = context.fresh(name + "_c");
        Type type = *context.type(name);
        type.strides = contiguous_strides(type.shape);
        context.types[use] = type;
        const auto layout = context.layouts.find(name);
        steps.push_back(LayoutStep{
            use, name, Strides{layout == context.layouts.end() ? Strides::Kind::contiguous : layout->second, {}}});
      }
      launch.args.push_back(arg_name(use));
    }
    for (const std::string& name : text->outputs) {
      AllocateStep empty;
      empty.out = name;
      Type& type = context.types[name];
      empty.dtype = type.dtype;
      empty.shape.emplace();
      for (const Size& s : type.shape) empty.shape->push_back(to_expr(s));
      if (const auto layout = context.layouts.find(name); layout != context.layouts.end())
        empty.strides.kind = layout->second;
      type.strides = strides_of(empty.strides.kind, type.shape);
      context.fixed_layout.insert(name);
      steps.push_back(empty);
      launch.args.push_back(arg_name(name));
    }
    for (const std::string& symbol : text->symbols) launch.args.push_back(arg_size(Size::symbolic(symbol)));
    steps.emplace_back(std::move(launch));
  }

  // Dataflow order, earliest unit first.
  std::map<int, std::set<int>> readers;
  std::map<int, int> waiting;
  for (const auto& [to, names] : reads)
    for (const std::string& name : names) {
      const auto p = grouping.index().producer.find(name);
      if (p == grouping.index().producer.end()) continue;
      const int from = unit[static_cast<std::size_t>(p->second)];
      if (from != to && readers[from].insert(to).second) ++waiting[to];
    }
  // A template's kernel makes what an `empty` only named: who reads that tensor later waits for the kernel.
  for (const auto& [id, list] : members) {
    const auto* launch = std::get_if<LaunchStep>(&plan.steps[static_cast<std::size_t>(id)]);
    if (launch == nullptr) continue;
    for (const Arg& a : launch->args) {
      const std::string* name = as_name(a);
      if (name == nullptr) continue;
      for (const auto& [to, names] : reads)
        if (to > id && std::ranges::find(names, *name) != names.end() && readers[id].insert(to).second) ++waiting[to];
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (const auto& [id, list] : members)
    if (waiting[id] == 0) ready.push(id);
  std::vector<Step> steps;
  std::size_t placed = 0;
  while (!ready.empty()) {
    const int id = ready.top();
    ready.pop();
    ++placed;
    for (Step& s : made[id]) steps.push_back(std::move(s));
    for (const int r : readers[id])
      if (--waiting[r] == 0) ready.push(r);
  }
  if (placed != members.size())
    return fail("fused kernels wait for each other", "fuse", "report this as a bug of the compiler");
  plan.steps = std::move(steps);
  return drop_dead_steps(std::move(plan),
                         context);  // views of tensors that stay inside a kernel are dead, and not legal
}

Result<Plan> drop_dead_steps(Plan plan, Context&) {
  std::set<std::string> live;
  for_each_result(plan.result, [&](const std::string& name) { live.insert(name); });
  std::set<std::string> written;
  const auto keep = [&](const Step& step) {
    const auto made = outputs(step);
    bool wanted = std::ranges::any_of(made, [&](const std::string& o) { return live.contains(o); });
    if (const auto* launch = std::get_if<LaunchStep>(&step))
      for (const Arg& a : launch->args)
        if (const std::string* name = as_name(a)) wanted = wanted || live.contains(*name);
    if (wanted) for_each_input(step, [&](const std::string& name) { live.insert(name); });
    return wanted;
  };
  for (auto* list : {&plan.steps, &plan.prepare}) {
    std::vector<Step> kept;
    for (auto it = list->rbegin(); it != list->rend(); ++it)
      if (keep(*it)) kept.push_back(std::move(*it));
    std::ranges::reverse(kept);
    *list = std::move(kept);
  }
  std::set<std::string> launched;
  for (const auto* list : {&plan.steps, &plan.prepare})
    for (const Step& step : *list)
      if (const auto* launch = std::get_if<LaunchStep>(&step)) launched.insert(launch->kernel);
  if (plan.functions.empty()) {
    std::erase_if(plan.kernels, [&](const auto& k) { return !launched.contains(k.first); });
    std::erase_if(plan.params, [&](const auto& p) { return !live.contains(p.first); });
    std::erase_if(plan.constants, [&](const auto& c) { return !live.contains(c.first); });
  }
  return plan;
}

}  // namespace burnish::compiler
