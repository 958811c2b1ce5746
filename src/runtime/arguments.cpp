#include "runtime/arguments.h"

#include <ATen/core/List.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>

#include "runtime/literals.h"

namespace burnish {
namespace {

using c10::TypeKind;

/// Operators that a plan may not call: they touch files or the state of the process, or hand out foreign memory.
constexpr std::string_view refused[] = {"aten::from_file",   "aten::set_",        "aten::save",
                                        "aten::_set_data",   "aten::set_data",    "aten::requires_grad_",
                                        "aten::_backward",   "aten::retain_grad", "aten::pin_memory",
                                        "aten::_pin_memory", "aten::manual_seed", "aten::set.source_Storage"};
constexpr std::string_view refused_namespaces[] = {"prim",  "profiler",       "c10d", "_c10d_functional",
                                                   "_test", "static_runtime", "cuda"};

std::string_view shown(TypeKind kind) {
  switch (kind) {
    case TypeKind::TensorType:
      return "a tensor's name";
    case TypeKind::NumberType:
      return "a number";
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return "an integer";
    case TypeKind::FloatType:
      return "a decimal";
    case TypeKind::BoolType:
      return "true or false";
    case TypeKind::StringType:
      return "{\"str\": ...}";
    case TypeKind::ScalarTypeType:
      return "{\"dtype\": ...}";
    case TypeKind::LayoutType:
      return "{\"layout\": ...}";
    case TypeKind::MemoryFormatType:
      return "{\"memory_format\": ...}";
    case TypeKind::DeviceObjType:
      return "{\"device\": ...}";
    case TypeKind::ListType:
      return "a list";
    default:
      return "null";
  }
}

StackItem constant(c10::IValue value) {
  return {.constant = std::move(value)};
}

at::Tensor wrapped(const c10::Scalar& number, c10::ScalarType dtype) {
  at::Tensor tensor = at::scalar_tensor(number, at::TensorOptions(dtype));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

class Converter {
 public:
  explicit Converter(Scope& scope) : scope_(scope) {}

  Result<StackItem> convert(const Arg& arg, const c10::TypePtr& type, std::optional<int> spread) {
    if (type->kind() == TypeKind::OptionalType) {
      if (std::holds_alternative<Arg::None>(arg.value)) return constant(c10::IValue());
      return convert(arg, type->castRaw<c10::OptionalType>()->getElementType(), spread);
    }
    if (type->kind() == TypeKind::ListType) return list(arg, type->castRaw<c10::ListType>()->getElementType(), spread);
    if (const auto* literal = std::get_if<Arg::Literal>(&arg.value)) {
      if (type->kind() == TypeKind::TensorType && literal->kind == "float") {
        TRY(value, decimal_value(literal->text));
        return constant(wrapped(value, c10::kDouble));
      }
      TRY(value, literal_value(*literal, *type));
      return constant(value);
    }
    if (const auto* expr = std::get_if<Expr>(&arg.value)) return expression(*expr, *type);
    return plain(arg, *type);
  }

 private:
  static std::unexpected<Error> mismatch(const c10::Type& type) {
    return fail(std::string(shown(type.kind())) + " is wanted here", {}, {}, "plan");
  }

  Result<StackItem> plain(const Arg& arg, const c10::Type& type) {
    const auto* flag = std::get_if<bool>(&arg.value);
    const auto* integer = std::get_if<std::int64_t>(&arg.value);
    const auto* decimal = std::get_if<double>(&arg.value);
    const auto* name = std::get_if<Arg::Name>(&arg.value);
    switch (type.kind()) {
      case TypeKind::TensorType:
        if (name) return tensor(*name);
        if (flag) return constant(wrapped(*flag, c10::kBool));
        if (integer) return constant(wrapped(*integer, c10::kLong));
        if (decimal) return constant(wrapped(*decimal, c10::kDouble));
        break;
      case TypeKind::NumberType:
        if (flag) return constant(c10::IValue(c10::Scalar(*flag)));
        if (integer) return constant(c10::IValue(*integer));
        if (decimal) return constant(c10::IValue(*decimal));
        break;
      case TypeKind::IntType:
      case TypeKind::SymIntType:
        if (integer) return constant(c10::IValue(*integer));
        break;
      case TypeKind::FloatType:
        if (integer) return constant(c10::IValue(static_cast<double>(*integer)));
        if (decimal) return constant(c10::IValue(*decimal));
        break;
      case TypeKind::BoolType:
        if (flag) return constant(c10::IValue(*flag));
        if (integer && (*integer == 0 || *integer == 1)) return constant(c10::IValue(*integer == 1));
        break;
      default:
        break;
    }
    return mismatch(type);
  }

  Result<StackItem> tensor(const Arg::Name& name) {
    if (name.offset)
      return fail("an offset is for kernel launches", {}, "use aten::narrow or aten::slice.Tensor", "plan");
    TRY(operand, scope_.tensor(name.tensor));
    return StackItem{.kind = StackItem::Kind::tensor, .operands = {operand}};
  }

  Result<StackItem> expression(const Expr& expr, const c10::Type& type) {
    TRY(flat, flatten(expr, scope_));
    const bool known = flat.kind == FlatExpr::Kind::constant;
    const auto item = [&](StackItem::Kind kind, auto&& value) {
      return known ? constant(c10::IValue(value())) : StackItem{.kind = kind, .exprs = {flat}};
    };
    switch (type.kind()) {
      case TypeKind::NumberType:
      case TypeKind::IntType:
      case TypeKind::SymIntType:
        return item(StackItem::Kind::integer, [&] { return flat.value; });
      case TypeKind::FloatType:
        return item(StackItem::Kind::decimal, [&] { return static_cast<double>(flat.value); });
      case TypeKind::TensorType:
        return item(StackItem::Kind::wrapped, [&] { return wrapped(flat.value, c10::kLong); });
      default:
        return mismatch(type);
    }
  }

  Result<StackItem> list(const Arg& arg, const c10::TypePtr& element, std::optional<int> spread) {
    const auto* items = std::get_if<std::vector<Arg>>(&arg.value);
    std::vector<Arg> repeated;
    if (!items) {  // PyTorch lets one integer stand for int[n]
      if (!spread || *spread < 1 || std::holds_alternative<Arg::Name>(arg.value) ||
          std::holds_alternative<Arg::None>(arg.value))
        return fail("a list is wanted here", {}, {}, "plan");
      repeated.assign(static_cast<std::size_t>(*spread), arg);
      items = &repeated;
    }
    const bool optional = element->kind() == TypeKind::OptionalType;
    const c10::TypePtr type = optional ? element->castRaw<c10::OptionalType>()->getElementType() : element;
    switch (type->kind()) {
      case TypeKind::TensorType:
        return tensors(*items, optional);
      case TypeKind::IntType:
      case TypeKind::SymIntType:
        return integers(*items, element);
      case TypeKind::FloatType:
        return values<double>(*items, element, [](const c10::IValue& v) { return v.toDouble(); });
      case TypeKind::BoolType:
        return values<bool>(*items, element, [](const c10::IValue& v) { return v.toBool(); });
      case TypeKind::NumberType:
        if (optional)
          return values<std::optional<c10::Scalar>>(*items, element, [](const c10::IValue& v) {
            return v.isNone() ? std::nullopt : std::optional<c10::Scalar>(v.toScalar());
          });
        return values<c10::Scalar>(*items, element, [](const c10::IValue& v) { return v.toScalar(); });
      default:
        return fail("lists of " + element->str() + " are not supported", {}, {}, "plan");
    }
  }

  Result<StackItem> tensors(const std::vector<Arg>& items, bool optional) {
    StackItem item{.kind = optional ? StackItem::Kind::optional_tensors : StackItem::Kind::tensors};
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (optional && std::holds_alternative<Arg::None>(items[i].value)) {
        item.operands.push_back({});
        continue;
      }
      const auto* name = std::get_if<Arg::Name>(&items[i].value);
      if (!name) return fail("a tensor's name is wanted here", "item " + std::to_string(i), {}, "plan");
      auto one = tensor(*name);
      if (!one) return inside("item " + std::to_string(i), one.error());
      item.operands.push_back(one->operands[0]);
    }
    return item;
  }

  Result<StackItem> integers(const std::vector<Arg>& items, const c10::TypePtr& element) {
    StackItem item{.kind = StackItem::Kind::integers};
    c10::List<std::int64_t> known;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto one = convert(items[i], element, {});
      if (!one) return inside("item " + std::to_string(i), one.error());
      if (one->kind == StackItem::Kind::constant) {
        if (!one->constant.isInt()) return fail("an integer is wanted here", "item " + std::to_string(i), {}, "plan");
        known.push_back(one->constant.toInt());
        item.exprs.push_back({.value = one->constant.toInt()});
      } else {
        item.exprs.push_back(one->exprs[0]);
      }
    }
    if (known.size() == items.size()) return constant(c10::IValue(std::move(known)));
    return item;
  }

  template <class T, class Get>
  Result<StackItem> values(const std::vector<Arg>& items, const c10::TypePtr& element, const Get& get) {
    c10::List<T> list;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto one = convert(items[i], element, {});
      if (!one) return inside("item " + std::to_string(i), one.error());
      if (one->kind != StackItem::Kind::constant)
        return fail("an expression cannot stand here", "item " + std::to_string(i), {}, "plan");
      list.push_back(get(one->constant));
    }
    return constant(c10::IValue(std::move(list)));
  }

  Scope& scope_;
};

Result<c10::OperatorHandle> find_op(const std::string& full) {
  const auto colons = full.find("::");
  const std::string space = colons == std::string::npos ? "" : full.substr(0, colons);
  const bool foreign = space.empty() || std::ranges::find(refused_namespaces, space) != std::end(refused_namespaces);
  const auto dot = full.find('.', colons == std::string::npos ? 0 : colons);
  const std::string name = full.substr(0, dot), overload = dot == std::string::npos ? "" : full.substr(dot + 1);
  if (foreign || std::ranges::find(refused, name) != std::end(refused) ||
      std::ranges::find(refused, full) != std::end(refused))
    return fail("the operator " + full + " may not be called by a plan", {},
                "write operators as aten::name or aten::name.overload", "plan");
  auto& dispatcher = c10::Dispatcher::singleton();
  if (auto op = dispatcher.findSchema({name, overload == "default" ? "" : overload})) return *op;
  std::string others;
  for (const auto& known : dispatcher.getAllOpNames())
    if (known.name == name)
      others += (others.empty() ? "" : ", ") + (known.overload_name.empty() ? name : name + "." + known.overload_name);
  return fail("there is no operator " + full, {},
              others.empty() ? "this PyTorch has no operator of that name" : "its overloads are " + others, "plan");
}

/// The argument that a step gives for the formal argument `index`, or null.
const Arg* given(const OpStep& step, std::size_t index, const c10::Argument& formal) {
  if (index < step.args.size() && !formal.kwarg_only()) return &step.args[index];
  const auto it = std::ranges::find(step.kwargs, formal.name(), &std::pair<std::string, Arg>::first);
  return it == step.kwargs.end() ? nullptr : &it->second;
}

Status check_names(const OpStep& step, const c10::FunctionSchema& schema) {
  const auto& formals = schema.arguments();
  const auto positional =
      static_cast<std::size_t>(std::ranges::count_if(formals, [](const auto& f) { return !f.kwarg_only(); }));
  if (step.args.size() > positional)
    return fail(std::to_string(step.args.size()) + " arguments by position are too many", {},
                "the operator takes " + std::to_string(positional), "plan");
  for (std::size_t i = 0; i < step.kwargs.size(); ++i) {
    const auto& name = step.kwargs[i].first;
    const auto it = std::ranges::find(formals, name, &c10::Argument::name);
    if (it == formals.end()) return fail("there is no argument \"" + name + "\"", {}, {}, "plan");
    if (static_cast<std::size_t>(it - formals.begin()) < step.args.size())
      return fail("the argument \"" + name + "\" is given twice, by position and by name", {}, {}, "plan");
  }
  return {};
}

/// Arguments that the operator writes to must be the plan's own allocations.
Status check_writes(const Arg& arg, const Scope& scope) {
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.value)) {
    for (const auto& item : *list)
      if (auto ok = check_writes(item, scope); !ok) return ok;
    return {};
  }
  const auto* name = std::get_if<Arg::Name>(&arg.value);
  if (!name || scope.writable.contains(name->tensor)) return {};
  return fail("the operator writes to \"" + name->tensor + "\"", {},
              "only names made by empty or zero may be written to", "plan");
}

}  // namespace

Result<std::string> schema_text(const std::string& op) {
  TRY(handle, find_op(op));
  return c10::toString(handle.schema());
}

Result<OpInstruction> resolve_op(const OpStep& step, Scope& scope) {
  TRY(op, find_op(step.op));
  const auto& schema = op.schema();
  const auto with_schema = [&](Error error) {
    error.where += (error.where.empty() ? "schema " : "; schema ") + c10::toString(schema);
    if (error.reason.empty()) error.reason = "plan";
    return std::unexpected(std::move(error));
  };
  if (auto ok = check_names(step, schema); !ok) return with_schema(ok.error());
  OpInstruction instruction{.op = op};
  Converter converter(scope);
  for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
    const auto& formal = schema.arguments()[i];
    const Arg* arg = given(step, i, formal);
    if (!arg) {
      if (!formal.default_value()) return with_schema(Error{"the argument \"" + formal.name() + "\" is missing"});
      instruction.stack.push_back(constant(*formal.default_value()));
      continue;
    }
    const std::string place = "argument " + std::to_string(i) + " \"" + formal.name() + "\"";
    if (formal.alias_info() && formal.alias_info()->isWrite())
      if (auto ok = check_writes(*arg, scope); !ok) return with_schema(inside(place, ok.error()).error());
    std::optional<int> spread;
    if (formal.N()) spread = static_cast<int>(*formal.N());
    auto item = converter.convert(*arg, formal.real_type(), spread);
    if (!item) return with_schema(inside(place, item.error()).error());
    instruction.stack.push_back(std::move(*item));
  }
  const auto& returns = schema.returns();
  instruction.out_is_list = returns.size() == 1 && returns[0].type()->kind() == TypeKind::ListType;
  if (!instruction.out_is_list && step.out.size() > returns.size())
    return with_schema(Error{std::to_string(step.out.size()) + " outputs are named, the operator returns " +
                             std::to_string(returns.size())});
  for (std::size_t i = 0; i < step.out.size() && !instruction.out_is_list; ++i)
    if (!step.out[i].empty() && returns[i].type()->kind() != TypeKind::TensorType)
      return with_schema(Error{"output " + std::to_string(i) + " is no tensor", {}, "drop it with an empty name"});
  return instruction;
}

}  // namespace burnish
