#include "compiler/fuse/fuse.h"

#include <algorithm>
#include <iterator>
#include <queue>

#include "compiler/fuse/emit.h"
#include "compiler/fuse/point_ops.h"
#include "compiler/fuse/schedule.h"

namespace burnish::compiler {
namespace {

constexpr int most_repeats = 8;
constexpr std::size_t most_steps = 96;  // of one kernel: compile time grows with its text

/// Groups of steps, grown greedily: each step joins the groups that make its operands, where that is one legal kernel.
class Grouping {
 public:
  Grouping(const Plan& plan, const Context& context)
      : plan_(plan), context_(context), index_(index_steps(plan)), group_of_(plan.steps.size(), -1) {}

  void run() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      const auto* step = std::get_if<OpStep>(&plan_.steps[i]);
      if (step == nullptr || !is_fusable(*step, context_)) continue;
      join(static_cast<int>(i), *step);
    }
  }

  const StepIndex& index() const { return index_; }
  const std::vector<std::set<int>>& groups() const { return groups_; }
  int group_of(std::size_t step) const { return group_of_[step]; }

 private:
  void join(int i, const OpStep& step) {
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

  void find_groups(const std::string& name, std::set<int>& out) const {
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

  bool try_set(const std::set<int>& members, const std::set<int>& merged) {
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
  bool makes_cycle(const std::set<int>& members) const {
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
  std::vector<std::string> filled(int s) const {
    const Step& step = plan_.steps[static_cast<std::size_t>(s)];
    std::vector<std::string> names = outputs(step);
    const auto* launch = std::get_if<LaunchStep>(&step);
    if (launch == nullptr) return names;
    for (const Arg& a : launch->args) {
      const std::string* name = as_name(a);
      const auto p = name == nullptr ? index_.producer.end() : index_.producer.find(*name);
      if (p == index_.producer.end()) continue;
      if (std::holds_alternative<AllocateStep>(plan_.steps[static_cast<std::size_t>(p->second)]))
        names.push_back(*name);
    }
    return names;
  }

  const Plan& plan_;
  const Context& context_;
  StepIndex index_;
  std::vector<int> group_of_;
  std::vector<std::set<int>> groups_;
};

/// What one kernel makes only for another to read, where computing it again reads no more than it would: the second
/// kernel gets steps of its own. Halves what a long row costs that is reduced in several kernels.
class Repeats {
 public:
  Repeats(Plan& plan, Context& context) : plan_(plan), context_(context), grouping_(plan, context) { grouping_.run(); }

  /// Repeats the first such step. False: there is none.
  bool run() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i)
      if (const auto others = other_readers(i); !others.empty()) {
        chain_.clear();
        large_.clear();
        cost_ = 0;
        if (!follow(static_cast<int>(i), grouping_.group_of(i), elements_of(i)) || large_.size() > 1) continue;
        for (const auto& [group, readers] : others) repeat(i, readers);
        std::vector<Step> steps;
        for (std::size_t k = 0; k < plan_.steps.size(); ++k) {
          steps.push_back(std::move(plan_.steps[k]));
          if (k == i) std::ranges::move(copies_, std::back_inserter(steps));
        }
        plan_.steps = std::move(steps);
        return true;
      }
    return false;
  }

 private:
  static constexpr std::int64_t worth = 1 << 16;  // elements: below that memory is not what a kernel waits for
  static constexpr int most_cost = 48;

  const OpStep& op(int i) const { return std::get<OpStep>(plan_.steps[static_cast<std::size_t>(i)]); }
  std::int64_t numel(const std::string& name) const {
    const Type* type = context_.type(name);
    return type == nullptr || !type->is_static() ? -1 : type->numel();
  }
  std::int64_t elements_of(std::size_t i) const { return numel(op(static_cast<int>(i)).out[0]); }

  /// Readers in other kernels, by kernel; empty where a step that is no kernel's reads it too, or nothing is to be won.
  std::map<int, std::vector<int>> other_readers(std::size_t i) const {
    std::map<int, std::vector<int>> others;
    const int own = grouping_.group_of(i);
    if (own < 0 || is_reduction(op(static_cast<int>(i))) || numel(op(static_cast<int>(i)).out[0]) < worth) return {};
    const std::string& name = op(static_cast<int>(i)).out[0];
    const auto readers = grouping_.index().consumers.find(name);
    if (readers == grouping_.index().consumers.end() || grouping_.index().results.contains(name)) return {};
    bool here = false;
    for (const int r : readers->second) {
      const int group = grouping_.group_of(static_cast<std::size_t>(r));
      const bool inside = group == own || is_view_inside(r, own);
      if (group < 0 && !inside) return {};
      here |= inside;
      if (!inside) others[group].push_back(r);
    }
    return here ? others : std::map<int, std::vector<int>>{};
  }

  /// Whether a step is a view that this kernel alone reads.
  bool is_view_inside(int i, int group) const {
    const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(i)]);
    if (step == nullptr || !is_view(*step)) return false;
    return std::ranges::all_of(step->out, [&](const std::string& name) {
      const auto readers = grouping_.index().consumers.find(name);
      if (grouping_.index().results.contains(name) || readers == grouping_.index().consumers.end()) return false;
      return std::ranges::all_of(readers->second, [&](int r) {
        return grouping_.group_of(static_cast<std::size_t>(r)) == group || is_view_inside(r, group);
      });
    });
  }

  /// Collects the pointwise steps of the kernel that make a tensor, operands first. False: they are too many, or not
  /// all pointwise.
  bool follow(int i, int group, std::int64_t size) {
    if (std::ranges::find(chain_, i) != chain_.end()) return true;
    const PointOp* point = find_point_op(op(i).op);
    if (point == nullptr || (cost_ += point->cost) > most_cost) return false;
    bool fine = true;
    for_each_input(Step{op(i)}, [&](const std::string& name) {
      const auto p = grouping_.index().producer.find(name);
      if (p != grouping_.index().producer.end() && grouping_.group_of(static_cast<std::size_t>(p->second)) == group)
        fine = fine && follow(p->second, group, size);
      else if (is_made_in(name, group) || numel(name) < 0)
        fine = false;
      else if (2 * numel(name) >= size)
        large_.insert(name);
    });
    chain_.push_back(i);
    return fine;
  }

  /// Whether a name is a view of what the kernel makes.
  bool is_made_in(std::string name, int group) const {
    for (;;) {
      const auto p = grouping_.index().producer.find(name);
      if (p == grouping_.index().producer.end()) return false;
      if (grouping_.group_of(static_cast<std::size_t>(p->second)) == group) return true;
      const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(p->second)]);
      if (step == nullptr || !is_view(*step) || step->args.empty() || as_name(step->args[0]) == nullptr) return false;
      name = *as_name(step->args[0]);
    }
  }

  void repeat(std::size_t i, const std::vector<int>& readers) {
    std::map<std::string, std::string> names;
    for (const int c : chain_) {
      Step copy = op(c);
      rename_inputs(copy, names);
      std::string& out = std::get<OpStep>(copy).out[0];
      const std::string fresh = context_.fresh(out);
      context_.types[fresh] = *context_.type(out);
      names[out] = fresh;
      out = fresh;
      copies_.push_back(std::move(copy));
    }
    const std::string& made = op(static_cast<int>(i)).out[0];
    for (const int r : readers) rename_inputs(plan_.steps[static_cast<std::size_t>(r)], {{made, names.at(made)}});
  }

  Plan& plan_;
  Context& context_;
  Grouping grouping_;
  std::vector<int> chain_;
  std::set<std::string> large_;
  std::vector<Step> copies_;
  int cost_ = 0;
};

bool worth_a_kernel(const Plan& plan, const std::set<int>& members) {
  constexpr std::string_view copies[] = {"clone", "contiguous", "_to_copy", "to"};
  for (const int m : members) {
    const auto& step = std::get<OpStep>(plan.steps[static_cast<std::size_t>(m)]);
    if (std::ranges::find(copies, short_name(step.op)) == std::end(copies)) return true;
  }
  return false;  // a lone copy: ATen's tiles transposes, ours does not
}

}  // namespace

Result<Plan> fuse(Plan plan, Context& context) {
  for_each_result(plan.result,
                  [&](const std::string& name) { context.layouts.erase(name); });  // results lie as eager's do
  for (int round = 0; context.options.language->splits_rows && round < most_repeats; ++round)
    if (!Repeats(plan, context).run()) break;
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
