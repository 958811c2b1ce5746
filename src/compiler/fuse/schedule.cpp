#include "compiler/fuse/schedule.h"

#include <algorithm>

#include "compiler/languages.h"

namespace burnish::compiler {
namespace {

Size stride_of(const std::map<int, Size>& strides, int axis) {
  const auto it = strides.find(axis);
  return it == strides.end() ? Size(0) : it->second;
}

/// Axes of a tensor, widest stride first. Symbolic strides keep the order of the dimensions.
std::vector<int> by_stride(const std::map<int, Size>& strides, const std::vector<int>& dims_order) {
  std::vector<int> order;
  for (const int axis : dims_order)
    if (!stride_of(strides, axis).is(0)) order.push_back(axis);
  const bool is_static = std::ranges::all_of(order, [&](int a) { return stride_of(strides, a).is_static(); });
  if (is_static)
    std::ranges::stable_sort(
        order, [&](int a, int b) { return stride_of(strides, a).value() > stride_of(strides, b).value(); });
  return order;
}

std::vector<int> flatten(const Dims& dims) {
  std::vector<int> all;
  for (const auto& d : dims) all.insert(all.end(), d.begin(), d.end());
  return all;
}

std::map<int, Size> output_strides(const Group& group, int value, bool channels_last) {
  std::map<int, Size> strides;
  Dims dims = group.values[static_cast<std::size_t>(value)].dims;
  if (channels_last && dims.size() == 4) dims = {dims[0], dims[2], dims[3], dims[1]};
  const auto order = flatten(dims);
  Size run = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = run;
    run = run * group.axes[static_cast<std::size_t>(order[i])];
  }
  return strides;
}

/// The order of all axes: that of the tensor with the most axes, with those that it lacks put where others have them.
std::vector<int> order_axes(const Schedule& s) {
  struct Candidate {
    std::vector<int> order;
    Size elements = 1;
    bool is_output = false;
  };
  std::vector<Candidate> candidates;
  for (const Store& store : s.stores) {
    const Node& n = s.group.nodes[static_cast<std::size_t>(store.node)];
    (void)n;
    std::vector<int> dims;
    for (const auto& [axis, stride] : store.strides) dims.push_back(axis);
    candidates.push_back({by_stride(store.strides, flatten(s.group.values[static_cast<std::size_t>(n.value)].dims)),
                          product_of(s.group, dims), true});
  }
  for (const Node& n : s.group.nodes)
    if (n.kind == NodeKind::load) {
      auto order = by_stride(n.strides, flatten(s.group.values[static_cast<std::size_t>(n.value)].dims));
      const Size elements = product_of(s.group, order);
      candidates.push_back({std::move(order), elements, false});
    }
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    if (a.order.size() != b.order.size()) return a.order.size() > b.order.size();
    return a.elements.value() > b.elements.value();
  });
  std::vector<int> order;
  for (const Candidate& c : candidates) {
    std::ptrdiff_t at = 0;
    for (const int axis : c.order) {
      const auto it = std::ranges::find(order, axis);
      if (it != order.end()) {
        at = it - order.begin() + 1;
      } else {
        order.insert(order.begin() + at++, axis);
      }
    }
  }
  std::set<int> all;
  for (const Node& n : s.group.nodes) all.merge(s.group.axes_of(n.value));
  for (const int axis : all)
    if (std::ranges::find(order, axis) == order.end()) order.insert(order.begin(), axis);
  return order;
}

bool can_merge(const Schedule& s, int outer, int inner) {
  if (s.group.reduced.contains(outer) != s.group.reduced.contains(inner)) return false;
  const Size n = s.size(inner);
  const auto fits = [&](const std::map<int, Size>& strides) {
    return stride_of(strides, outer) == stride_of(strides, inner) * n;
  };
  for (const Node& node : s.group.nodes)
    if ((node.kind == NodeKind::load || node.kind == NodeKind::index) && !fits(node.strides)) return false;
  return std::ranges::all_of(s.stores, [&](const Store& store) { return fits(store.strides); });
}

void merge(Schedule& s, int outer, int inner) {
  s.group.axes[static_cast<std::size_t>(inner)] = s.size(outer) * s.size(inner);
  s.group.axes[static_cast<std::size_t>(outer)] = 1;
  for (Node& node : s.group.nodes) node.strides.erase(outer);
  for (Store& store : s.stores) store.strides.erase(outer);
  for (Value& v : s.group.values)
    for (auto& dim : v.dims) std::erase(dim, outer);
  s.group.reduced.erase(outer);
}

}  // namespace

Size product_of(const Group& group, const std::vector<int>& axes) {
  Size p = 1;
  for (const int a : axes) p = p * group.axes[static_cast<std::size_t>(a)];
  return p;
}

int cost_of(const Group& group) {
  int cost = 1;
  for (const Node& n : group.nodes) cost += n.kind == NodeKind::point ? n.op->cost : 1;
  return cost;
}

std::optional<Schedule> make_schedule(Group group, const Context& context) {
  Schedule s;
  s.group = std::move(group);
  for (const auto& [name, value] : s.group.outputs) {
    Store store{name, s.group.values[static_cast<std::size_t>(value)].node,
                output_strides(s.group, value, context.layouts.contains(name)), false};
    store.full = s.group.reduced.empty() ||
                 std::ranges::any_of(s.group.reduced, [&](int axis) { return s.group.axes_of(value).contains(axis); });
    s.stores.push_back(std::move(store));
  }
  std::vector<int> order = order_axes(s);
  for (std::size_t i = order.size(); i-- > 1;) {
    if (!can_merge(s, order[i - 1], order[i])) continue;
    merge(s, order[i - 1], order[i]);
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
  const auto& reduced = s.group.reduced;
  std::vector<int> outer, inner;
  for (const int axis : order) (reduced.contains(axis) ? inner : outer).push_back(axis);
  const Size row = product_of(s.group, inner);
  const bool short_rows = context.options.language->turns_short_rows && row.is_static() && row.value() <= 8 &&
                          !outer.empty() && (!s.size(outer.back()).is_static() || s.size(outer.back()).value() >= 32);
  if (reduced.empty()) {
    s.kind = Schedule::Kind::pointwise;
  } else if (reduced.contains(order.back()) && !short_rows) {
    s.kind = Schedule::Kind::rows;
  } else {
    s.kind = Schedule::Kind::columns;
    if (outer.empty()) return std::nullopt;
  }
  auto& with_vector = s.kind == Schedule::Kind::rows ? inner : outer;
  if (!with_vector.empty()) {
    s.vector_axis = with_vector.back();
    with_vector.pop_back();
  }
  s.decoded = std::move(outer);
  s.loops = std::move(inner);
  context.options.language->spread(s, context.options.machine);
  return s;
}

}  // namespace burnish::compiler
