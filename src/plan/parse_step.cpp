#include "plan/parse_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "plan/fields.h"
#include "plan/names.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 6> literal_kinds = {"dtype",  "memory_format", "layout",
                                                           "device", "float",         "str"};

std::unexpected<Error> at(std::string_view place, Error error) {
  return inside(place, std::move(error));
}

/// Reads `object[key]` into `out` with `read`; absent keys leave `out` as it is.
template <class Out, class Read>
Status optional(const json& object, std::string_view key, Out& out, const Read& read) {
  const json* value = fields::find(object, key);
  if (!value) return {};
  auto got = read(*value);
  if (!got) return at(key, std::move(got.error()));
  out = std::move(*got);
  return {};
}

template <class Out, class Read>
Status required(const json& object, std::string_view key, Out& out, const Read& read) {
  if (!fields::find(object, key)) return fail(fmt::format("the key '{}' is missing", key));
  return optional(object, key, out, read);
}

/// Runs the readers in order until one fails.
Status all(std::initializer_list<Status> statuses) {
  for (const Status& status : statuses)
    if (!status) return status;
  return {};
}

const auto read_names = [](const json& value) { return fields::names(value); };

class ArgReader {
 public:
  explicit ArgReader(const TensorNames& in_scope) : in_scope_(in_scope) {}

  Result<Arg> operator()(const json& value) const {
    switch (value.type()) {
      case json::value_t::null:
        return Arg{Arg::None{}};
      case json::value_t::boolean:
        return Arg{value.get<bool>()};
      case json::value_t::number_integer:
      case json::value_t::number_unsigned:
        return integer(value);
      case json::value_t::number_float:
        return Arg{value.get<double>()};
      case json::value_t::string:
        return string(value.get_ref<const std::string&>());
      case json::value_t::array:
        return list(value);
      case json::value_t::object:
        return object(value);
      default:
        return fail("this value means nothing here");
    }
  }

  Result<std::vector<Arg>> items(const json& value) const {
    if (!value.is_array()) return fail("a list of arguments is wanted, here is " + fields::describe(value));
    std::vector<Arg> out;
    out.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto item = (*this)(value[i]);
      if (!item) return at(fmt::format("[{}]", i), std::move(item.error()));
      out.push_back(std::move(*item));
    }
    return out;
  }

 private:
  static Result<Arg> integer(const json& value) {
    TRY(expr, fields::expr(value));
    return Arg{*expr.constant()};
  }

  Result<Arg> string(const std::string& text) const {
    if (in_scope_.contains(text)) return Arg{Arg::Name{text, std::nullopt}};
    auto expr = Expr::parse(text);
    // " x" and "(x)" are the tensor too: otherwise printing would change what they mean.
    if (expr && expr->symbol() && in_scope_.contains(*expr->symbol()))
      return Arg{Arg::Name{*expr->symbol(), std::nullopt}};
    if (expr) return Arg{std::move(*expr)};
    Error error = std::move(expr.error());
    error.what =
        fmt::format("'{}' is neither a tensor that is known here nor an expression: {}", shorten(text), error.what);
    error.todo = R"(strings are written {"str": "..."})";
    return std::unexpected(std::move(error));
  }

  Result<Arg> list(const json& value) const {
    TRY(out, items(value));
    return Arg{std::move(out)};
  }

  Result<Arg> object(const json& value) const {
    if (value.contains("of")) return pointer(value);
    if (value.size() == 1) {
      const std::string& kind = value.begin().key();
      const json& text = value.begin().value();
      if (std::ranges::find(literal_kinds, std::string_view(kind)) != literal_kinds.end()) {
        if (!text.is_string())
          return fail(fmt::format("the literal '{}' wants a string, here is {}", kind, fields::describe(text)));
        return Arg{Arg::Literal{kind, text.get<std::string>()}};
      }
    }
    return fail(
        "this object is no literal", {},
        R"(write {"dtype": ...}, {"memory_format": ...}, {"layout": ...}, {"device": ...}, {"float": ...}, {"str": ...} or {"of": tensor, "offset": ...})");
  }

  static Result<Arg> pointer(const json& value) {
    Arg::Name name;
    Expr offset;
    if (auto ok = all({fields::only(value, {"of", "offset"}), required(value, "of", name.tensor, fields::name),
                       optional(value, "offset", offset, fields::expr)});
        !ok)
      return std::unexpected(ok.error());
    if (value.contains("offset")) name.offset = std::move(offset);
    return Arg{std::move(name)};
  }

  const TensorNames& in_scope_;
};

Result<Step> read_op(const json& step, const TensorNames& in_scope) {
  OpStep out;
  const ArgReader read(in_scope);
  const auto keywords = [&](const json& value) -> Result<std::vector<std::pair<std::string, Arg>>> {
    if (!value.is_object()) return fail("an object is wanted, here is " + fields::describe(value));
    std::vector<std::pair<std::string, Arg>> pairs;
    for (const auto& [key, item] : value.items()) {
      auto arg = read(item);
      if (!arg) return at(key, std::move(arg.error()));
      pairs.emplace_back(key, std::move(*arg));
    }
    return pairs;
  };
  const auto outputs = [](const json& value) { return fields::names(value, fields::Blanks::allow); };
  const Status ok =
      all({fields::only(step, {"op", "args", "kwargs", "out"}), required(step, "op", out.op, fields::string),
           optional(step, "args", out.args, [&](const json& value) { return read.items(value); }),
           optional(step, "kwargs", out.kwargs, keywords), optional(step, "out", out.out, outputs)});
  if (!ok) return std::unexpected(ok.error());
  return out;
}

Result<std::array<Expr, 3>> read_grid(const json& value) {
  TRY(exprs, fields::exprs(value));
  if (exprs.size() != 3)
    return fail(fmt::format("three sizes are wanted, here are {}", exprs.size()), {}, "write 1 for the others");
  return std::array<Expr, 3>{exprs[0], exprs[1], exprs[2]};
}

Result<Step> read_launch(const json& step, const TensorNames& in_scope) {
  LaunchStep out;
  const ArgReader read(in_scope);
  const Status ok =
      all({fields::only(
               step, {"launch", "range", "grain", "grid", "block", "cluster", "shared_bytes", "cooperative", "args"}),
           required(step, "launch", out.kernel, fields::name), optional(step, "range", out.range, fields::expr),
           optional(step, "grain", out.grain, fields::expr), optional(step, "grid", out.grid, read_grid),
           optional(step, "block", out.block, read_grid), optional(step, "cluster", out.cluster, read_grid),
           optional(step, "shared_bytes", out.shared_bytes, fields::expr),
           optional(step, "cooperative", out.cooperative, fields::boolean),
           optional(step, "args", out.args, [&](const json& value) { return read.items(value); })});
  if (!ok) return std::unexpected(ok.error());
  return out;
}

Result<Step> read_allocate(const json& step, bool zero) {
  AllocateStep out;
  out.zero = zero;
  const std::string_view key = zero ? "zero" : "empty";
  const Status ok =
      all({fields::only(step, {key, "like", "dtype", "shape", "strides"}), required(step, key, out.out, fields::name),
           optional(step, "like", out.like, fields::name), optional(step, "dtype", out.dtype, fields::dtype),
           optional(step, "shape", out.shape, fields::exprs), optional(step, "strides", out.strides, fields::strides)});
  if (!ok) return std::unexpected(ok.error());
  return out;
}

Result<Step> read_layout(const json& step) {
  LayoutStep out;
  const Status ok =
      all({fields::only(step, {"layout", "of", "strides"}), required(step, "layout", out.out, fields::name),
           required(step, "of", out.of, fields::name), required(step, "strides", out.strides, fields::strides)});
  if (!ok) return std::unexpected(ok.error());
  return out;
}

Result<Step> read_call(const json& step) {
  CallStep out;
  std::vector<Expr> bounds;
  const Status ok =
      all({fields::only(step, {"call", "args", "out", "params", "for", "in"}),
           required(step, "call", out.function, fields::name), optional(step, "args", out.args, read_names),
           optional(step, "out", out.out, read_names), optional(step, "params", out.prefix, fields::string),
           optional(step, "for", out.loop, fields::name), optional(step, "in", bounds, fields::exprs)});
  if (!ok) return std::unexpected(ok.error());
  if (step.contains("for") != step.contains("in"))
    return fail("'for' and 'in' come together", {}, R"(write "for": "i", "in": [0, 12])");
  if (step.contains("in") && bounds.size() != 2)
    return at("in", Error{"two bounds are wanted", "", "write [0, 12]", ""});
  if (bounds.size() == 2) out.begin = bounds[0], out.end = bounds[1];
  return out;
}

Result<Step> read_choice(const json& step) {
  ChoiceStep out;
  const Status ok =
      all({fields::only(step, {"if", "then", "else", "args", "out", "params"}),
           required(step, "if", out.flag, fields::name), required(step, "then", out.then, fields::name),
           required(step, "else", out.otherwise, fields::name), optional(step, "args", out.args, read_names),
           optional(step, "out", out.out, read_names), optional(step, "params", out.prefix, fields::string)});
  if (!ok) return std::unexpected(ok.error());
  return out;
}

void add_outputs(const Step& step, TensorNames& in_scope) {
  if (const auto* one = std::get_if<AllocateStep>(&step)) in_scope.insert(one->out);
  if (const auto* one = std::get_if<LayoutStep>(&step)) in_scope.insert(one->out);
  const auto add = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (!name.empty()) in_scope.insert(name);
  };
  if (const auto* op = std::get_if<OpStep>(&step)) add(op->out);
  if (const auto* call = std::get_if<CallStep>(&step)) add(call->out);
  if (const auto* choice = std::get_if<ChoiceStep>(&step)) add(choice->out);
}

Result<Step> read_kind(const json& step, const TensorNames& in_scope) {
  if (!step.is_object()) return fail("a step is an object, here is " + fields::describe(step));
  if (step.contains("op")) return read_op(step, in_scope);
  if (step.contains("launch")) return read_launch(step, in_scope);
  if (step.contains("empty")) return read_allocate(step, false);
  if (step.contains("zero")) return read_allocate(step, true);
  if (step.contains("layout")) return read_layout(step);
  if (step.contains("call")) return read_call(step);
  if (step.contains("if")) return read_choice(step);
  return fail("this step is of no kind", {}, "a step has one of the keys op, launch, empty, zero, layout, call, if");
}

}  // namespace

Result<Step> parse_step(const json& step, TensorNames& in_scope) {
  TRY(parsed, read_kind(step, in_scope));
  add_outputs(parsed, in_scope);
  return std::move(parsed);
}

}  // namespace burnish
