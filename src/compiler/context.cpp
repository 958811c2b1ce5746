#include "compiler/context.h"

#include <limits>

namespace burnish::compiler {

std::string Context::fresh(const std::string& hint) {
  for (;;) {
    const int n = used_[hint]++;
    std::string name = n == 0 ? hint : hint + "_" + std::to_string(n);
    if (!types.contains(name)) return name;
  }
}

const Type* Context::type(const std::string& name) const {
  const auto it = types.find(name);
  return it == types.end() ? nullptr : &it->second;
}

namespace {

void names_of(const Arg& a, const std::function<void(const std::string&)>& f) {
  if (const auto* name = std::get_if<Arg::Name>(&a.value)) {
    f(name->tensor);
    if (name->offset)
      for (const std::string& t : name->offset->tensors()) f(t);
  } else if (const auto* list = std::get_if<std::vector<Arg>>(&a.value)) {
    for (const Arg& item : *list) names_of(item, f);
  } else if (const auto* e = std::get_if<Expr>(&a.value)) {
    for (const std::string& t : e->tensors()) f(t);
  }
}

void names_of(const Expr& e, const std::function<void(const std::string&)>& f) {
  for (const std::string& t : e.tensors()) f(t);
}

void rename(Arg& a, const std::map<std::string, std::string>& names) {
  if (auto* name = std::get_if<Arg::Name>(&a.value)) {
    if (const auto it = names.find(name->tensor); it != names.end()) name->tensor = it->second;
  } else if (auto* list = std::get_if<std::vector<Arg>>(&a.value)) {
    for (Arg& item : *list) rename(item, names);
  }
}

void rename(std::string& name, const std::map<std::string, std::string>& names) {
  if (const auto it = names.find(name); it != names.end()) name = it->second;
}

}  // namespace

void for_each_input(const Step& step, const std::function<void(const std::string&)>& f) {
  if (const auto* op = std::get_if<OpStep>(&step)) {
    for (const Arg& a : op->args) names_of(a, f);
    for (const auto& [key, a] : op->kwargs) names_of(a, f);
  } else if (const auto* launch = std::get_if<LaunchStep>(&step)) {
    for (const Arg& a : launch->args) names_of(a, f);
    if (launch->range) names_of(*launch->range, f);
    if (launch->grain) names_of(*launch->grain, f);
  } else if (const auto* allocate = std::get_if<AllocateStep>(&step)) {
    if (allocate->like) f(*allocate->like);
    if (allocate->shape)
      for (const Expr& e : *allocate->shape) names_of(e, f);
  } else if (const auto* layout = std::get_if<LayoutStep>(&step)) {
    f(layout->of);
  } else if (const auto* call = std::get_if<CallStep>(&step)) {
    for (const std::string& a : call->args) f(a);
  } else if (const auto* choice = std::get_if<ChoiceStep>(&step)) {
    f(choice->flag);
    for (const std::string& a : choice->args) f(a);
  }
}

std::vector<std::string> outputs(const Step& step) {
  std::vector<std::string> all;
  if (const auto* op = std::get_if<OpStep>(&step)) all = op->out;
  if (const auto* allocate = std::get_if<AllocateStep>(&step)) all = {allocate->out};
  if (const auto* layout = std::get_if<LayoutStep>(&step)) all = {layout->out};
  if (const auto* call = std::get_if<CallStep>(&step)) all = call->out;
  if (const auto* choice = std::get_if<ChoiceStep>(&step)) all = choice->out;
  std::erase(all, "");
  return all;
}

void rename_inputs(Step& step, const std::map<std::string, std::string>& names) {
  if (auto* op = std::get_if<OpStep>(&step)) {
    for (Arg& a : op->args) rename(a, names);
    for (auto& [key, a] : op->kwargs) rename(a, names);
  } else if (auto* launch = std::get_if<LaunchStep>(&step)) {
    for (Arg& a : launch->args) rename(a, names);
  } else if (auto* allocate = std::get_if<AllocateStep>(&step)) {
    if (allocate->like) rename(*allocate->like, names);
  } else if (auto* layout = std::get_if<LayoutStep>(&step)) {
    rename(layout->of, names);
  } else if (auto* call = std::get_if<CallStep>(&step)) {
    for (std::string& a : call->args) rename(a, names);
  } else if (auto* choice = std::get_if<ChoiceStep>(&step)) {
    rename(choice->flag, names);
    for (std::string& a : choice->args) rename(a, names);
  }
}

void for_each_result(const json& tree, const std::function<void(const std::string&)>& f) {
  if (tree.is_string()) f(tree.get<std::string>());
  if (tree.is_array() || tree.is_object())
    for (const auto& item : tree) for_each_result(item, f);
}

json rename_result(const json& tree, const std::map<std::string, std::string>& names) {
  if (tree.is_string()) {
    const auto it = names.find(tree.get<std::string>());
    return it == names.end() ? tree : json(it->second);
  }
  json copy = tree;
  if (copy.is_array() || copy.is_object())
    for (auto& item : copy) item = rename_result(item, names);
  return copy;
}

std::map<std::string, int> count_uses(const Plan& plan) {
  std::map<std::string, int> uses;
  const auto count = [&](const std::string& name) { ++uses[name]; };
  for (const Step& step : plan.prepare) for_each_input(step, count);
  for (const Step& step : plan.steps) for_each_input(step, count);
  for_each_result(plan.result, count);
  return uses;
}

namespace {
std::vector<Size> sizes_of(const json& list) {
  std::vector<Size> sizes;
  for (const json& item : list) {
    if (item.is_number_integer()) {
      sizes.emplace_back(item.get<std::int64_t>());
    } else {
      const auto parsed = Expr::parse(item.get<std::string>());
      sizes.push_back(parsed ? Size::of(*parsed) : Size::symbolic(item.get<std::string>()));
    }
  }
  return sizes;
}
}  // namespace

void read_types(const Plan& plan, Context& context) {
  if (plan.notes.is_object() && plan.notes.contains("meta")) {
    for (const auto& [name, meta] : plan.notes["meta"].items()) {
      if (!meta.is_object() || !meta.contains("dtype") || !meta.contains("shape")) continue;
      const auto dtype = dtype_named(meta["dtype"].get<std::string>());
      if (!dtype) continue;
      Type type{*dtype, sizes_of(meta["shape"]), {}};
      if (meta.contains("strides") && meta["strides"].is_array()) type.strides = sizes_of(meta["strides"]);
      context.types[name] = type;
    }
  }
  for (const Input& input : plan.inputs) {
    const auto* tensor = std::get_if<InputTensor>(&input);
    if (tensor == nullptr) continue;
    Type type{tensor->dtype, {}, {}};
    for (const Expr& e : tensor->shape) type.shape.push_back(Size::of(e));
    if (tensor->strides.kind == Strides::Kind::contiguous) type.strides = contiguous_strides(type.shape);
    if (tensor->strides.kind == Strides::Kind::explicit_)
      for (const Expr& e : tensor->strides.values) type.strides.push_back(Size::of(e));
    if (tensor->strides.kind == Strides::Kind::channels_last && type.rank() == 4) {
      const auto& s = type.shape;
      type.strides = {s[1] * s[2] * s[3], 1, s[3] * s[1], s[1]};
    }
    if (tensor->strides.kind != Strides::Kind::any && type.strides.size() == type.rank())
      context.fixed_layout.insert(tensor->name);
    context.types[tensor->name] = type;
  }
}

Arg arg_size(const Size& size) {
  if (size.is_static()) return arg_int(size.value());
  return Arg{to_expr(size)};
}

Arg arg_sizes(const std::vector<Size>& sizes) {
  std::vector<Arg> list;
  for (const Size& s : sizes) list.push_back(arg_size(s));
  return Arg{std::move(list)};
}

Arg arg_ints(const std::vector<std::int64_t>& values) {
  std::vector<Arg> list;
  for (const auto v : values) list.push_back(arg_int(v));
  return Arg{std::move(list)};
}

AllocateStep allocate(Context& context, const std::string& name, DType dtype, const std::vector<Size>& shape) {
  AllocateStep step;
  step.out = name;
  step.dtype = dtype;
  step.shape.emplace();
  for (const Size& s : shape) step.shape->push_back(to_expr(s));
  context.types[name] = Type{dtype, shape, contiguous_strides(shape)};
  context.fixed_layout.insert(name);
  return step;
}

LayoutStep lay_out(Context& context, const std::string& made, const std::string& from) {
  const Type& type = *context.type(from);
  context.types[made] = Type{type.dtype, type.shape, contiguous_strides(type.shape)};
  context.fixed_layout.insert(made);
  return LayoutStep{made, from, Strides{}};
}

std::optional<RuleClass> rules_named(std::string_view word) {
  if (word == "exact") return RuleClass::exact;
  if (word == "same") return RuleClass::same;
  return word == "all" ? std::optional(RuleClass::changes) : std::nullopt;
}

const std::string* as_name(const Arg& a) {
  const auto* name = std::get_if<Arg::Name>(&a.value);
  return name == nullptr ? nullptr : &name->tensor;
}

std::optional<std::int64_t> as_int(const Arg& a) {
  if (const auto* v = std::get_if<std::int64_t>(&a.value)) return *v;
  if (const auto* e = std::get_if<Expr>(&a.value); e != nullptr && e->constant() != nullptr) return *e->constant();
  return std::nullopt;
}

std::optional<double> as_real(const Arg& a) {
  if (const auto* v = std::get_if<double>(&a.value)) return *v;
  if (const auto* b = std::get_if<bool>(&a.value)) return *b ? 1.0 : 0.0;
  if (const auto i = as_int(a)) return static_cast<double>(*i);
  if (const auto* l = std::get_if<Arg::Literal>(&a.value); l != nullptr && l->kind == "float") {
    if (l->text == "inf") return std::numeric_limits<double>::infinity();
    if (l->text == "-inf") return -std::numeric_limits<double>::infinity();
    if (l->text == "nan") return std::numeric_limits<double>::quiet_NaN();
  }
  return std::nullopt;
}

std::optional<bool> as_bool(const Arg& a) {
  if (const auto* b = std::get_if<bool>(&a.value)) return *b;
  return std::nullopt;
}

bool is_none(const Arg& a) {
  return std::holds_alternative<Arg::None>(a.value);
}

std::optional<std::vector<std::int64_t>> as_ints(const Arg& a) {
  if (const auto one = as_int(a)) return std::vector<std::int64_t>{*one};
  const auto* list = std::get_if<std::vector<Arg>>(&a.value);
  if (list == nullptr) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const Arg& item : *list) {
    const auto v = as_int(item);
    if (!v) return std::nullopt;
    values.push_back(*v);
  }
  return values;
}

std::optional<Size> as_size(const Arg& a) {
  if (const auto v = as_int(a)) return *v >= 0 ? Size(*v) : Size::symbolic(std::to_string(*v));
  if (const auto* e = std::get_if<Expr>(&a.value)) return Size::of(*e);
  return std::nullopt;
}

std::optional<std::vector<Size>> as_sizes(const Arg& a) {
  const auto* list = std::get_if<std::vector<Arg>>(&a.value);
  if (list == nullptr) return std::nullopt;
  std::vector<Size> sizes;
  for (const Arg& item : *list) {
    auto s = as_size(item);
    if (!s) return std::nullopt;
    sizes.push_back(*s);
  }
  return sizes;
}

const Arg* argument(const OpStep& step, std::size_t index, std::string_view name) {
  if (index < step.args.size()) return &step.args[index];
  if (!name.empty())
    for (const auto& [key, value] : step.kwargs)
      if (key == name) return &value;
  return nullptr;
}

std::string_view short_name(std::string_view op) {
  const auto colons = op.find("::");
  if (colons != std::string_view::npos) op.remove_prefix(colons + 2);
  return op.substr(0, op.find('.'));
}

std::string canonical_overload(std::string op) {
  constexpr std::string_view suffix = ".default";
  if (op.ends_with(suffix)) op.resize(op.size() - suffix.size());
  return op;
}

}  // namespace burnish::compiler
