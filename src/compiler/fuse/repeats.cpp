#include "compiler/fuse/repeats.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "compiler/fuse/grouping.h"
#include "compiler/fuse/point_ops.h"

namespace burnish::compiler {
namespace {

constexpr int most_repeats = 8;

/// One round: finds a step to repeat, by the kernels that the plan would have now.
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

}  // namespace

void repeat_cheap_steps(Plan& plan, Context& context) {
  for (int round = 0; round < most_repeats; ++round)
    if (!Repeats(plan, context).run()) return;
}

}  // namespace burnish::compiler
