#include "compiler/fuse/views.h"

#include <algorithm>

namespace burnish::compiler {

int Axes::fresh(Size size) {
  group_.axes.push_back(std::move(size));
  return static_cast<int>(group_.axes.size()) - 1;
}

Size Axes::product(const std::vector<int>& axes) const {
  Size p = 1;
  for (const int a : axes) p = p * group_.axes[static_cast<std::size_t>(a)];
  return p;
}

bool Axes::split(int axis, std::int64_t inner) {
  const Size size = group_.axes[static_cast<std::size_t>(axis)];
  if (!size.is_static() || inner <= 0 || size.value() % inner != 0) return false;
  const int low = fresh(inner);
  group_.axes[static_cast<std::size_t>(axis)] = size.value() / inner;
  for (Value& v : group_.values)
    for (auto& dim : v.dims)
      for (std::size_t i = 0; i < dim.size(); ++i)
        if (dim[i] == axis) dim.insert(dim.begin() + static_cast<std::ptrdiff_t>(++i), low);
  for (Node& n : group_.nodes) {
    const auto it = n.strides.find(axis);
    if (it == n.strides.end()) continue;
    n.strides[low] = it->second;
    n.strides[axis] = it->second * Size(inner);
  }
  if (group_.reduced.contains(axis)) group_.reduced.insert(low);
  return true;
}

bool Axes::replace(int from, int to) {
  if (from == to) return true;
  for (Value& v : group_.values)
    for (auto& dim : v.dims) std::ranges::replace(dim, from, to);
  for (Node& n : group_.nodes) {
    const auto it = n.strides.find(from);
    if (it == n.strides.end()) continue;
    if (n.strides.contains(to)) return false;  // a diagonal
    n.strides[to] = it->second;
    n.strides.erase(from);
  }
  if (group_.reduced.erase(from) > 0) group_.reduced.insert(to);
  return true;
}

bool Axes::unify(std::vector<int> a, std::vector<int> b) {
  std::size_t i = 0;
  for (; i < a.size() && i < b.size(); ++i) {
    const Size sa = group_.axes[static_cast<std::size_t>(a[i])], sb = group_.axes[static_cast<std::size_t>(b[i])];
    if (sa == sb) {
      if (!replace(b[i], a[i])) return false;
      std::ranges::replace(b, b[i], a[i]);
      continue;
    }
    if (!sa.is_static() || !sb.is_static()) return false;
    // The outer parts differ: split the larger so that its outer part has the smaller's size.
    auto& larger = sa.value() > sb.value() ? a : b;
    const std::int64_t big = std::max(sa.value(), sb.value()), small = std::min(sa.value(), sb.value());
    if (small == 0 || big % small != 0) return false;
    const int axis = larger[i];
    const int low = static_cast<int>(group_.axes.size());
    if (!split(axis, big / small)) return false;
    for (auto* list : {&a, &b})
      for (std::size_t k = 0; k < list->size(); ++k)
        if ((*list)[k] == axis) list->insert(list->begin() + static_cast<std::ptrdiff_t>(++k), low);
    if (!replace(b[i], a[i])) return false;
  }
  return i == a.size() && i == b.size() && is_sound();
}

bool Axes::reshape(int value, const std::vector<Size>& shape, Dims& out) {
  out.clear();
  std::vector<int> flat;
  for (const auto& dim : group_.values[static_cast<std::size_t>(value)].dims)
    flat.insert(flat.end(), dim.begin(), dim.end());
  std::size_t next = 0;
  for (const Size& target : shape) {
    std::vector<int> dim;
    Size have = 1;
    while (!(have == target)) {
      if (next >= flat.size()) return false;
      const Size size = group_.axes[static_cast<std::size_t>(flat[next])];
      const Size with = have * size;
      const bool overshoots = with.is_static() && target.is_static() && with.value() > target.value();
      if (overshoots) {
        if (have.value() <= 0 || target.value() % have.value() != 0) return false;
        const std::int64_t outer = target.value() / have.value();
        if (outer == 0 || size.value() % outer != 0) return false;
        const int low = static_cast<int>(group_.axes.size());
        if (!split(flat[next], size.value() / outer)) return false;
        for (auto& made : out)
          for (std::size_t k = 0; k < made.size(); ++k)
            if (made[k] == flat[next]) made.insert(made.begin() + static_cast<std::ptrdiff_t>(++k), low);
        flat.insert(flat.begin() + static_cast<std::ptrdiff_t>(next) + 1, low);
        continue;
      }
      dim.push_back(flat[next++]);
      have = with;
    }
    out.push_back(std::move(dim));
  }
  return next == flat.size();
}

bool Axes::is_sound() const {
  for (const Value& v : group_.values) {
    std::set<int> seen;
    for (const auto& dim : v.dims)
      for (const int a : dim)
        if (!seen.insert(a).second) return false;
  }
  return true;
}

namespace {

std::size_t wrap(std::int64_t dim, std::size_t rank) {
  return static_cast<std::size_t>(dim < 0 ? dim + static_cast<std::int64_t>(rank) : dim);
}

/// A copy of a load that takes part of one dimension: start, step and how many.
int slice_load(Group& group, int base, std::size_t dim, std::int64_t start, std::int64_t step, const Size& count,
               bool drop) {
  const Value from = group.values[static_cast<std::size_t>(base)];
  if (group.nodes[static_cast<std::size_t>(from.node)].kind != NodeKind::load) return -1;
  if (dim >= from.dims.size() || from.dims[dim].size() > 1) return -1;
  Axes axes(group);
  Node node = group.nodes[static_cast<std::size_t>(from.node)];
  const auto old = node.strides;
  node.strides.clear();
  Value value;
  for (std::size_t d = 0; d < from.dims.size(); ++d) {
    std::vector<int> list;
    if (d == dim) {
      Size stride = 0;
      if (!from.dims[d].empty()) {
        const auto it = old.find(from.dims[d][0]);
        if (it != old.end()) stride = it->second;
      }
      node.offset = node.offset + stride * Size(start);
      if (drop) continue;
      if (!count.is(1)) {
        const int axis = axes.fresh(count);
        if (!stride.is(0)) node.strides[axis] = step == 1 ? stride : stride * Size(step);
        list.push_back(axis);
      }
    } else {
      for (const int a : from.dims[d]) {
        const int axis = axes.fresh(group.axes[static_cast<std::size_t>(a)]);
        if (const auto it = old.find(a); it != old.end()) node.strides[axis] = it->second;
        list.push_back(axis);
      }
    }
    value.dims.push_back(std::move(list));
  }
  value.node = static_cast<int>(group.nodes.size());
  node.value = static_cast<int>(group.values.size());
  group.nodes.push_back(std::move(node));
  group.values.push_back(std::move(value));
  return static_cast<int>(group.values.size()) - 1;
}

int add_value(Group& group, int node, Dims dims) {
  group.values.push_back({node, std::move(dims)});
  return static_cast<int>(group.values.size()) - 1;
}

std::optional<std::int64_t> int_arg(const OpStep& step, std::size_t i,
                                    std::optional<std::int64_t> otherwise = std::nullopt) {
  const Arg* a = argument(step, i);
  if (a == nullptr || is_none(*a)) return otherwise;
  return as_int(*a);
}

}  // namespace

int apply_view(Group& group, int base, const OpStep& step, std::size_t which, const Context& context) {
  const std::string_view op = short_name(step.op);
  const Type* type = context.type(step.out[which]);
  if (type == nullptr) return -1;
  const Value from = group.values[static_cast<std::size_t>(base)];
  const std::size_t rank = from.dims.size();
  Axes axes(group);

  if (op == "permute") {
    const auto order = step.args.size() > 1 ? as_ints(step.args[1]) : std::nullopt;
    if (!order || order->size() != rank) return -1;
    Dims dims;
    for (const auto d : *order) dims.push_back(from.dims[wrap(d, rank)]);
    return add_value(group, from.node, std::move(dims));
  }
  if (op == "transpose" || op == "swapaxes" || op == "t" || op == "mT") {
    Dims dims = from.dims;
    if (rank < 2) return op == "t" ? add_value(group, from.node, dims) : -1;
    const auto a = op == "t" || op == "mT" ? std::optional<std::int64_t>(-2) : int_arg(step, 1);
    const auto b = op == "t" || op == "mT" ? std::optional<std::int64_t>(-1) : int_arg(step, 2);
    if (!a || !b) return -1;
    std::swap(dims[wrap(*a, rank)], dims[wrap(*b, rank)]);
    return add_value(group, from.node, std::move(dims));
  }
  if (op == "expand" || op == "expand_as" || op == "broadcast_to") {
    Dims dims(type->rank());
    const std::size_t lead = type->rank() - rank;
    for (std::size_t d = 0; d < dims.size(); ++d) {
      if (d >= lead) dims[d] = from.dims[d - lead];
      if (dims[d].empty() && !type->shape[d].is(1)) dims[d] = {axes.fresh(type->shape[d])};
    }
    return add_value(group, from.node, std::move(dims));
  }
  if (op == "select") {
    const auto dim = int_arg(step, 1), at = int_arg(step, 2);
    if (!dim || !at) return -1;
    const std::size_t d = wrap(*dim, rank);
    if (*at < 0) {
      const Size size = axes.product(from.dims[d]);
      if (!size.is_static()) return -1;
      return slice_load(group, base, d, *at + size.value(), 1, 1, true);
    }
    return slice_load(group, base, d, *at, 1, 1, true);
  }
  if (op == "slice" || op == "narrow") {
    const auto dim = int_arg(step, 1, 0), start = int_arg(step, 2, 0);
    const auto stride = op == "slice" ? int_arg(step, 4, 1) : std::optional<std::int64_t>(1);
    if (!dim || !start || !stride) return -1;
    const std::size_t d = wrap(*dim, rank);
    const Size size = axes.product(from.dims[d]);
    std::int64_t from_element = *start;
    if (from_element < 0) {
      if (!size.is_static()) return -1;
      from_element = std::max<std::int64_t>(0, from_element + size.value());
    }
    if (type->shape[d] == size && from_element == 0 && *stride == 1) return add_value(group, from.node, from.dims);
    return slice_load(group, base, d, from_element, *stride, type->shape[d], false);
  }
  if (op == "chunk" || op == "split" || op == "split_with_sizes" || op == "unbind") {
    const auto dim = op == "unbind" ? int_arg(step, 1, 0) : int_arg(step, 2, 0);
    if (!dim) return -1;
    const std::size_t d = wrap(*dim, rank);
    if (op == "unbind") return slice_load(group, base, d, static_cast<std::int64_t>(which), 1, 1, true);
    std::int64_t start = 0;
    if (const Arg* sizes = argument(step, 1); op == "split_with_sizes" && sizes != nullptr) {
      const auto list = as_ints(*sizes);
      if (!list || list->size() != step.out.size()) return -1;
      for (std::size_t i = 0; i < which; ++i) start += (*list)[i];
    } else {
      const auto part = int_arg(step, 1);
      const Size size = axes.product(from.dims[d]);
      if (!part || *part <= 0 || !size.is_static()) return -1;
      const std::int64_t each = op == "chunk" ? (size.value() + *part - 1) / *part : *part;
      start = static_cast<std::int64_t>(which) * each;
    }
    return slice_load(group, base, d, start, 1, type->shape[d], false);
  }
  if (op == "alias" || op == "detach" || op == "lift_fresh_copy") return add_value(group, from.node, from.dims);
  // The rest keep the order of elements: view, reshape, flatten, unflatten, squeeze, unsqueeze.
  Dims dims;
  if (!axes.reshape(base, type->shape, dims)) return -1;
  return add_value(group, from.node, std::move(dims));
}

}  // namespace burnish::compiler
