#include "compiler/fuse/group.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>

#include "compiler/fuse/views.h"

namespace burnish::compiler {
namespace {

constexpr std::array<std::string_view, 26> view_ops = {
    "view",       "reshape",   "_unsafe_view", "unflatten", "flatten",   "permute",          "transpose", "t",
    "mT",         "unsqueeze", "squeeze",      "expand",    "expand_as", "broadcast_to",     "select",    "slice",
    "alias",      "detach",    "narrow",       "chunk",     "split",     "split_with_sizes", "unbind",    "view_as",
    "reshape_as", "swapaxes"};

constexpr std::array<std::string_view, 9> reductions = {"aten::sum",    "aten::sum.dim_IntList", "aten::amax",
                                                        "aten::amin",   "aten::prod.dim_int",    "aten::argmax",
                                                        "aten::argmin", "aten::any.dim",         "aten::all.dim"};

constexpr std::array<std::string_view, 7> conversions = {"_to_copy",   "to",     "type_as", "clone",
                                                         "contiguous", "detach", "alias"};

bool handled(DType d, const Context& context) {
  if (is_half(d)) return context.options.language->has(d);
  return d == DType::float32 || d == DType::int64 || d == DType::int32 || d == DType::bool_ || d == DType::uint8;
}

struct Parameter {
  std::string name;
  std::optional<double> otherwise;
};

std::vector<Parameter> parameters(const PointOp& op) {
  std::vector<Parameter> all;
  std::istringstream words{std::string(op.args)};
  for (std::string word; words >> word;) {
    Parameter p;
    const auto equals = word.find('=');
    p.name = word.substr(0, equals);
    if (equals != std::string::npos) {
      const std::string text = word.substr(equals + 1);
      if (text == "-inf") {
        p.otherwise = -std::numeric_limits<double>::infinity();
      } else if (text == "inf") {
        p.otherwise = std::numeric_limits<double>::infinity();
      } else {
        p.otherwise = std::stod(text);
      }
    }
    all.push_back(p);
  }
  return all;
}

std::string variant_of(const OpStep& step) {
  for (const auto& [key, value] : step.kwargs)
    if (const auto* l = std::get_if<Arg::Literal>(&value.value); l != nullptr && key == "approximate")
      return l->text == "none" ? "" : l->text;
  for (const Arg& a : step.args)
    if (const auto* l = std::get_if<Arg::Literal>(&a.value); l != nullptr && l->kind == "str")
      return l->text == "none" ? "" : l->text;
  return {};
}

bool has(const auto& list, std::string_view text) {
  return std::ranges::find(list, text) != std::ranges::end(list);
}

bool is_conversion(const OpStep& step) {
  return has(conversions, short_name(step.op));
}

}  // namespace

bool is_view(const OpStep& step) {
  return has(view_ops, short_name(step.op));
}

bool is_reduction(const OpStep& step) {
  return has(reductions, step.op);
}

bool is_fusable(const OpStep& step, const Context& context) {
  if (step.out.size() != 1) return false;
  const Type* out = context.type(step.out[0]);
  if (out == nullptr || !handled(out->dtype, context)) return false;
  bool known = true;
  for_each_input(Step{step}, [&](const std::string& name) {
    const Type* t = context.type(name);
    if (t == nullptr || !handled(t->dtype, context)) known = false;
  });
  if (!known) return false;
  if (is_reduction(step)) {
    const Type* in =
        step.args.empty() || as_name(step.args[0]) == nullptr ? nullptr : context.type(*as_name(step.args[0]));
    const auto op = short_name(step.op);
    if (op == "any" || op == "all") return in != nullptr && in->dtype == DType::bool_;
    return in != nullptr &&
           (register_type(in->dtype) == DType::float32 || in->dtype == DType::int64 || in->dtype == DType::bool_);
  }
  const PointOp* op = find_point_op(step.op, variant_of(step));
  if (op == nullptr) return false;
  if (op->kind == PointKind::real && register_type(out->dtype) != DType::float32) return false;
  if (op->kind == PointKind::logical && out->dtype != DType::bool_) return false;
  if (op->kind == PointKind::numeric && out->dtype == DType::bool_ && !is_conversion(step)) return false;
  return true;
}

StepIndex index_steps(const Plan& plan) {
  StepIndex index;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const std::string& name : outputs(plan.steps[i])) index.producer[name] = static_cast<int>(i);
    for_each_input(plan.steps[i],
                   [&](const std::string& name) { index.consumers[name].push_back(static_cast<int>(i)); });
  }
  for_each_result(plan.result, [&](const std::string& name) { index.results.insert(name); });
  return index;
}

std::set<int> Group::axes_of(int value) const {
  std::set<int> all;
  for (const auto& dim : values[static_cast<std::size_t>(value)].dims) all.insert(dim.begin(), dim.end());
  return all;
}

std::vector<std::set<int>> Group::dependencies() const {
  std::vector<std::set<int>> all(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Node& n = nodes[i];
    for (const auto& [axis, stride] : n.strides)
      if (!stride.is(0)) all[i].insert(axis);
    for (const Operand& o : n.operands) {
      if (o.value < 0) continue;
      const auto& from = all[static_cast<std::size_t>(values[static_cast<std::size_t>(o.value)].node)];
      all[i].insert(from.begin(), from.end());
    }
    if (n.kind == NodeKind::reduce)
      for (const int axis : reduced) all[i].erase(axis);
  }
  return all;
}

namespace {

class Builder {
 public:
  Builder(const Plan& plan, const StepIndex& index, const Context& context, const std::set<int>& members)
      : plan_(plan), index_(index), context_(context), members_(members) {}

  std::optional<StridedTensor> strides(const std::string& name) {
    const int value = resolve(name);
    const Type* type = context_.type(name);
    if (value < 0 || type == nullptr) return std::nullopt;
    const Value& v = group_.values[static_cast<std::size_t>(value)];
    const Node& node = group_.nodes[static_cast<std::size_t>(v.node)];
    if (node.kind != NodeKind::load) return std::nullopt;
    StridedTensor out{node.name, node.offset, type->shape, {}};
    const auto stride = [&](int axis) {
      const auto it = node.strides.find(axis);
      return it == node.strides.end() ? Size(0) : it->second;
    };
    for (const auto& dim : v.dims) {
      for (std::size_t k = 0; k + 1 < dim.size(); ++k)
        if (!(stride(dim[k]) == stride(dim[k + 1]) * group_.axes[static_cast<std::size_t>(dim[k + 1])]))
          return std::nullopt;
      out.strides.push_back(dim.empty() ? Size(0) : stride(dim.back()));
    }
    return out;
  }

  std::optional<Group> build() {
    for (const int m : members_) {
      const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(m)]);
      if (step == nullptr) return std::nullopt;
      if (!(is_reduction(*step) ? add_reduction(*step) : add_point(*step))) return std::nullopt;
    }
    collect_outputs();
    prune();
    if (!is_legal()) return std::nullopt;
    return std::move(group_);
  }

 private:
  std::size_t rank(int value) const { return group_.values[static_cast<std::size_t>(value)].dims.size(); }

  int add_node(Node node, Dims dims) {
    node.value = static_cast<int>(group_.values.size());
    group_.values.push_back({static_cast<int>(group_.nodes.size()), std::move(dims)});
    group_.nodes.push_back(std::move(node));
    return static_cast<int>(group_.values.size()) - 1;
  }

  int load(const std::string& name) {
    const Type* type = context_.type(name);
    if (type == nullptr || !handled(type->dtype, context_)) return -1;
    Axes axes(group_);
    Node node;
    node.kind = NodeKind::load;
    node.name = name;
    node.dtype = type->dtype;
    const bool fixed = context_.fixed_layout.contains(name) && type->strides.size() == type->rank();
    const auto layout = context_.layouts.find(name);
    const auto strides = fixed                              ? type->strides
                         : layout == context_.layouts.end() ? contiguous_strides(type->shape)
                                                            : strides_of(layout->second, type->shape);
    Dims dims(type->rank());
    for (std::size_t d = 0; d < type->rank(); ++d) {
      if (type->shape[d].is(1)) continue;
      const int axis = axes.fresh(type->shape[d]);
      dims[d] = {axis};
      if (!strides[d].is(0)) node.strides[axis] = strides[d];
    }
    return add_node(std::move(node), std::move(dims));
  }

  int resolve(const std::string& name) {
    if (const auto it = known_.find(name); it != known_.end()) return it->second;
    int value = -1;
    if (const auto p = index_.producer.find(name); p != index_.producer.end()) {
      if (members_.contains(p->second)) return -1;  // made later, or not expressible
      const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(p->second)]);
      if (step != nullptr && short_name(step->op) == "arange") value = arange(*step);
      if (value < 0 && step != nullptr && is_view(*step) && as_name(step->args[0]) != nullptr) {
        const Group before = group_;
        const auto known_before = known_;
        const auto which = static_cast<std::size_t>(std::ranges::find(step->out, name) - step->out.begin());
        const int base = resolve(*as_name(step->args[0]));
        if (base >= 0) value = apply_view(group_, base, *step, which, context_);
        if (value < 0) {
          group_ = before;
          known_ = known_before;
          if (reaches_member(*as_name(step->args[0]))) return -1;
        }
      }
    }
    if (value < 0) value = load(name);
    if (value >= 0) known_[name] = value;
    return value;
  }

  /// A row of numbers is computed where it is used.
  int arange(const OpStep& step) {
    const Type* type = context_.type(step.out[0]);
    if (type == nullptr || type->dtype != DType::int64 || type->rank() != 1) return -1;
    const bool from_zero = step.args.size() == 1;
    const auto start = from_zero ? std::optional<std::int64_t>(0) : as_int(step.args[0]);
    const auto by = step.args.size() > 2 ? as_int(step.args[2]) : std::optional<std::int64_t>(1);
    if (!start || !by || *start < 0 || *by < 1) return -1;
    Axes axes(group_);
    Node node;
    node.kind = NodeKind::index;
    node.dtype = DType::int64;
    node.offset = *start;
    Dims dims(1);
    if (!type->shape[0].is(1)) {
      const int axis = axes.fresh(type->shape[0]);
      dims[0] = {axis};
      node.strides[axis] = *by;
    }
    return add_node(std::move(node), std::move(dims));
  }

  bool reaches_member(const std::string& name) const {
    const auto p = index_.producer.find(name);
    if (p == index_.producer.end()) return false;
    if (members_.contains(p->second)) return true;
    const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(p->second)]);
    return step != nullptr && is_view(*step) && as_name(step->args[0]) != nullptr &&
           reaches_member(*as_name(step->args[0]));
  }

  bool add_point(const OpStep& step) {
    const PointOp* op = find_point_op(step.op, variant_of(step));
    const Type* type = context_.type(step.out[0]);
    if (op == nullptr || type == nullptr) return false;
    Node node;
    node.kind = NodeKind::point;
    node.name = step.out[0];
    node.op = op;
    node.dtype = type->dtype;
    const auto params = parameters(*op);
    const bool conversion = is_conversion(step);
    if (!conversion && step.args.size() > params.size() && variant_of(step).empty()) return false;
    for (std::size_t i = 0; i < (conversion ? 1 : params.size()); ++i) {
      const Arg* a = argument(step, i, params[i].name);
      Operand operand;
      if (a == nullptr || is_none(*a)) {
        if (!params[i].otherwise) return false;
        operand.number = *params[i].otherwise;
      } else if (const std::string* name = as_name(*a)) {
        operand.value = resolve(*name);
        if (operand.value < 0) return false;
      } else if (const auto number = as_real(*a)) {
        operand.number = *number;
      } else if (const auto size = as_size(*a)) {
        operand.size = size->text();
      } else {
        return false;
      }
      node.operands.push_back(operand);
    }
    if (!conversion) {
      for (const auto& [key, value] : step.kwargs)
        if (key != "approximate" && std::ranges::none_of(params, [&](const Parameter& p) { return p.name == key; }))
          return false;
    }
    node.compute = compute_type(node, op->kind);
    return broadcast(std::move(node), type->rank());
  }

  DType compute_type(const Node& node, PointKind kind) const {
    if (kind == PointKind::real) return DType::float32;
    if (kind == PointKind::logical) return DType::bool_;
    if (kind != PointKind::compare) return register_type(node.dtype);
    bool real = false;
    for (const Operand& o : node.operands) {
      if (o.value < 0) real = real || o.number != std::floor(o.number);
      if (o.value >= 0)
        real = real ||
               is_floating(
                   group_.nodes[static_cast<std::size_t>(group_.values[static_cast<std::size_t>(o.value)].node)].dtype);
    }
    return real ? DType::float32 : DType::int64;
  }

  bool broadcast(Node node, std::size_t out_rank) {
    Axes axes(group_);
    std::vector<std::size_t> first(out_rank, SIZE_MAX);  // operand that gives a dimension its axes
    const auto dim_of = [&](std::size_t o, std::size_t d) -> std::vector<int> {
      const int v = node.operands[o].value;
      if (v < 0 || rank(v) + d < out_rank) return {};
      return group_.values[static_cast<std::size_t>(v)].dims[d - (out_rank - rank(v))];
    };
    for (std::size_t o = 0; o < node.operands.size(); ++o) {
      if (node.operands[o].value >= 0 && rank(node.operands[o].value) > out_rank) return false;
      for (std::size_t d = 0; d < out_rank; ++d) {
        const auto mine = dim_of(o, d);
        if (mine.empty()) continue;
        if (first[d] == SIZE_MAX) {
          first[d] = o;
        } else if (!axes.unify(dim_of(first[d], d), mine)) {
          return false;
        }
      }
    }
    Dims dims(out_rank);
    for (std::size_t d = 0; d < out_rank; ++d)
      if (first[d] != SIZE_MAX) dims[d] = dim_of(first[d], d);
    const std::string name = node.name;
    known_[name] = add_node(std::move(node), std::move(dims));
    return axes.is_sound();
  }

  bool add_reduction(const OpStep& step) {
    const Type* type = context_.type(step.out[0]);
    if (type == nullptr) return false;
    Node node;
    node.kind = NodeKind::reduce;
    node.name = step.out[0];
    node.dtype = type->dtype;
    node.reduction = short_name(step.op);
    const int arg = resolve(*as_name(step.args[0]));
    if (arg < 0) return false;
    node.operands = {Operand{arg, 0}};
    const bool arg_reduction = node.reduction.starts_with("arg");
    const bool single = arg_reduction || node.reduction == "prod" || node.reduction == "any" || node.reduction == "all";
    if (node.reduction == "any") node.reduction = "amax";
    if (node.reduction == "all") node.reduction = "amin";
    const std::size_t n = rank(arg);
    std::vector<bool> drop(n, false);
    const Arg* dims_arg = step.op == "aten::sum" ? nullptr : argument(step, 1, single ? "dim" : "dim");
    const auto dims = dims_arg == nullptr || is_none(*dims_arg)
                          ? std::optional<std::vector<std::int64_t>>(std::vector<std::int64_t>{})
                          : as_ints(*dims_arg);
    if (!dims || (arg_reduction && dims->empty())) return false;
    for (const auto d : *dims) drop[static_cast<std::size_t>(d < 0 ? d + static_cast<std::int64_t>(n) : d)] = true;
    if (dims->empty()) drop.assign(n, true);
    const Arg* keep_arg = argument(step, 2, "keepdim");
    const bool keep = step.op != "aten::sum" && keep_arg != nullptr && as_bool(*keep_arg).value_or(false);
    const Dims from = group_.values[static_cast<std::size_t>(arg)].dims;
    Dims out;
    std::set<int> reduced;
    for (std::size_t d = 0; d < n; ++d) {
      if (drop[d]) reduced.insert(from[d].begin(), from[d].end());
      if (!drop[d]) out.push_back(from[d]);
      if (drop[d] && keep) out.emplace_back();
    }
    if (reduced.empty()) return false;
    if (arg_reduction && reduced.size() > 1) return false;
    if (!group_.reduced.empty() && group_.reduced != reduced) {
      // The same dimensions of another tensor, perhaps: its axes become those that the group already reduces.
      if (!same_space(first_reduced_, arg)) return false;
      return add_reduction(step);
    }
    group_.reduced = reduced;
    if (first_reduced_ < 0) first_reduced_ = arg;
    const std::string name = node.name;
    known_[name] = add_node(std::move(node), std::move(out));
    return true;
  }

  /// Drops nodes that no output needs: whole tensors of which only slices are read.
  void prune() {
    std::vector<bool> live(group_.nodes.size(), false);
    for (const auto& [name, value] : group_.outputs)
      live[static_cast<std::size_t>(group_.values[static_cast<std::size_t>(value)].node)] = true;
    for (std::size_t i = live.size(); i-- > 0;)
      if (live[i])
        for (const Operand& o : group_.nodes[i].operands)
          if (o.value >= 0)
            live[static_cast<std::size_t>(group_.values[static_cast<std::size_t>(o.value)].node)] = true;
    std::vector<int> place(live.size(), -1);
    std::vector<Node> kept;
    for (std::size_t i = 0; i < live.size(); ++i) {
      if (!live[i]) continue;
      place[i] = static_cast<int>(kept.size());
      kept.push_back(std::move(group_.nodes[i]));
    }
    group_.nodes = std::move(kept);
    std::set<int> axes;
    for (Value& v : group_.values) v.node = v.node < 0 ? -1 : place[static_cast<std::size_t>(v.node)];
    for (const Value& v : group_.values)
      if (v.node >= 0)
        for (const auto& dim : v.dims) axes.insert(dim.begin(), dim.end());
    std::erase_if(group_.reduced, [&](int axis) { return !axes.contains(axis); });
  }

  bool same_space(int a, int b) {
    if (rank(a) != rank(b)) return false;
    const auto dims = [&](int v) { return group_.values[static_cast<std::size_t>(v)].dims; };
    Axes axes(group_);
    const bool equal = dims(a) == dims(b);
    for (std::size_t d = 0; d < rank(a); ++d)
      if (!axes.unify(dims(a)[d], dims(b)[d])) return false;
    return !equal;  // nothing changed: the reductions really run over different axes
  }

  void collect_outputs() {
    for (const int m : members_) {
      for (const std::string& name : outputs(plan_.steps[static_cast<std::size_t>(m)])) {
        if (is_read_outside(name)) group_.outputs[name] = known_.at(name);
      }
    }
  }

  bool is_read_outside(const std::string& name) const {
    if (index_.results.contains(name)) return true;
    const auto it = index_.consumers.find(name);
    if (it == index_.consumers.end()) return false;
    for (const int c : it->second) {
      if (members_.contains(c)) continue;
      const auto* step = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(c)]);
      if (step == nullptr || !is_view(*step)) return true;
      for (const std::string& view : outputs(plan_.steps[static_cast<std::size_t>(c)]))
        if (is_read_outside(view)) return true;  // members read views through the group
    }
    return false;
  }

  bool is_legal() const {
    if (group_.outputs.empty()) return false;
    Axes axes(const_cast<Group&>(group_));
    if (!axes.is_sound()) return false;
    std::set<int> all;
    for (const Node& n : group_.nodes) all.merge(group_.axes_of(n.value));
    std::set<int> outer;
    std::ranges::set_difference(all, group_.reduced, std::inserter(outer, outer.end()));
    for (const Node& n : group_.nodes)
      if (n.kind == NodeKind::reduce && group_.axes_of(n.operands[0].value) != all) return false;
    for (const auto& [name, value] : group_.outputs) {
      const auto mine = group_.axes_of(value);
      if (mine != all && (group_.reduced.empty() || mine != outer)) return false;
    }
    return true;
  }

  const Plan& plan_;
  const StepIndex& index_;
  const Context& context_;
  const std::set<int>& members_;
  Group group_;
  std::map<std::string, int> known_;
  int first_reduced_ = -1;  ///< argument of the first reduction
};

}  // namespace

std::optional<StridedTensor> find_strides(const Plan& plan, const StepIndex& index, const Context& context,
                                          const std::string& name) {
  const std::set<int> none;
  return Builder(plan, index, context, none).strides(name);
}

std::optional<Group> build_group(const Plan& plan, const StepIndex& index, const Context& context,
                                 const std::set<int>& members) {
  return Builder(plan, index, context, members).build();
}

}  // namespace burnish::compiler
