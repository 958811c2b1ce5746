#include "plan/check_step.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "plan/check_calls.h"
#include "plan/launch_limits.h"
#include "plan/limits.h"
#include "plan/names.h"
#include "plan/step_names.h"
#include "plan/writes.h"

namespace burnish {
namespace {

using Node = Expr::Node;

constexpr std::size_t max_kernel_args = 64;
// A constant `empty` above this is taken for a mistake: "a 10 GB empty" is refused before anything runs.
constexpr std::int64_t max_allocation_bytes = std::int64_t{8} << 30;

// The libraries that PyTorch itself brings. Others (profiler, distributed, a user's own) do not belong in a plan.
constexpr std::array<std::string_view, 8> op_spaces = {"aten",   "burnish", "mkldnn",    "mkldnn_prepacked",
                                                       "onednn", "prims",   "quantized", "torchvision"};

struct Denied {
  std::string_view base, why;
};
constexpr std::array<Denied, 6> denied = {{{"from_file", "it reads files"},
                                           {"set_", "it changes what a tensor points to"},
                                           {"resize_", "it changes a tensor's size in place"},
                                           {"resize_as_", "it changes a tensor's size in place"},
                                           {"set_data", "it changes what a tensor points to"},
                                           {"_print", "it prints"}}};

struct LiteralWords {
  std::string_view kind;
  std::array<std::string_view, 12> words;
};
constexpr std::array<LiteralWords, 4> literal_words = {
    {{"memory_format", {"contiguous", "preserve", "channels_last", "channels_last_3d"}},
     {"layout", {"strided"}},
     {"device", {"cpu", "cuda", "mps"}},
     {"float", {"inf", "-inf", "nan"}}}};

bool compares_here(Node::Kind kind) {
  using enum Node::Kind;
  return kind == eq || kind == ne || kind == lt || kind == le || kind == gt || kind == ge;
}

bool compares(const Node& node) {
  return compares_here(node.kind) || std::ranges::any_of(node.args, [](const auto& arg) { return compares(*arg); });
}

Status check_literal(const Arg::Literal& literal) {
  if (literal.kind == "str") return {};
  if (literal.kind == "dtype") {
    if (dtype_from(literal.text)) return {};
    return fail(fmt::format("'{}' is no dtype", shorten(literal.text)));
  }
  const auto row = std::ranges::find(literal_words, std::string_view(literal.kind), &LiteralWords::kind);
  if (row == literal_words.end()) return fail(fmt::format("'{}' is no kind of literal", shorten(literal.kind)));
  const auto end = std::ranges::find(row->words, std::string_view{});
  if (std::find(row->words.begin(), end, literal.text) != end) return {};
  return fail(fmt::format("'{}' is no {}", shorten(literal.text), literal.kind), {},
              fmt::format("write {}", fmt::join(row->words.begin(), end, ", ")));
}

Status check_tensor(const std::string& name, const CheckScope& scope) {
  if (scope.tensors.contains(name)) return {};
  return unknown_tensor(name, scope);
}

Status check_negative(const Expr& expr, std::int64_t least, std::string_view what) {
  const auto* value = expr.constant();
  if (!value || *value >= least) return {};
  return fail(fmt::format("{} is {}, at least {} is wanted", what, *value, least));
}

/// A number that must be at least `least` where it is constant.
Status check_size(const Expr& expr, const CheckScope& scope, std::int64_t least, std::string_view what) {
  if (auto ok = check_value(expr, scope); !ok) return ok;
  return check_negative(expr, least, what);
}

/// A string that is neither tensor nor symbol is most often a string argument written bare.
Status check_bare(const Expr& expr, const CheckScope& scope) {
  auto ok = check_value(expr, scope);
  if (!ok && expr.symbol() && !scope.later.contains(*expr.symbol()))
    ok.error().todo =
        fmt::format(R"(name a tensor or a symbol, or write {{"str": "{}"}} for a string)", *expr.symbol());
  return ok;
}

/// The sizes of a launch as far as they are written as numbers.
LaunchSizes constants_of(const LaunchStep& step) {
  LaunchSizes sizes;
  const auto take = [](const std::optional<std::array<Expr, 3>>& from, auto& to) {
    for (std::size_t i = 0; from && i < 3; ++i)
      if (const auto* value = (*from)[i].constant()) to[i] = *value;
  };
  take(step.grid, sizes.grid);
  take(step.block, sizes.block);
  take(step.cluster, sizes.cluster);
  if (step.shared_bytes)
    if (const auto* value = step.shared_bytes->constant()) sizes.shared_bytes = *value;
  return sizes;
}

enum class Place { op, launch };

Status check_arg(const Arg& arg, const CheckScope& scope, Place place);

struct CheckArg {
  const CheckScope& scope;
  Place place;

  std::unexpected<Error> not_for_kernels(std::string_view what) const {
    return fail(fmt::format("a kernel takes no {}", what), {},
                "kernels take tensors, null, integers, expressions and decimals");
  }
  Status operator()(const Arg::None&) const { return {}; }
  Status operator()(std::int64_t) const { return {}; }
  Status operator()(double) const { return {}; }
  Status operator()(bool) const {
    if (place == Place::launch) return not_for_kernels("true or false");
    return {};
  }
  Status operator()(const Arg::Name& name) const {
    if (auto ok = check_tensor(name.tensor, scope); !ok) return ok;
    if (!name.offset) return {};
    if (place == Place::op)
      return fail("an offset is for launches only", {}, "use aten::narrow or aten::select for a part of a tensor");
    return check_size(*name.offset, scope, 0, "the offset");
  }
  Status operator()(const Expr& expr) const { return check_bare(expr, scope); }
  Status operator()(const Arg::Literal& literal) const {
    if (place == Place::launch && literal.kind != "float") return not_for_kernels(literal.kind);
    return check_literal(literal);
  }
  Status operator()(const std::vector<Arg>& list) const {
    if (place == Place::launch) return not_for_kernels("lists");
    for (std::size_t i = 0; i < list.size(); ++i)
      if (auto ok = check_arg(list[i], scope, place); !ok) return inside(fmt::format("[{}]", i), std::move(ok.error()));
    return {};
  }
};

Status check_arg(const Arg& arg, const CheckScope& scope, Place place) {
  return std::visit(CheckArg{scope, place}, arg.value);
}

Status check_args(const std::vector<Arg>& args, const CheckScope& scope, Place place) {
  for (std::size_t i = 0; i < args.size(); ++i)
    if (auto ok = check_arg(args[i], scope, place); !ok)
      return inside(fmt::format("args[{}]", i), std::move(ok.error()));
  return {};
}

std::string_view origin_text(Origin origin) {
  switch (origin) {
    case Origin::input:
      return "an input";
    case Origin::param:
      return "a parameter";
    case Origin::constant:
      return "a constant";
    case Origin::argument:
      return "an argument of the function";
    case Origin::prepared:
      return "made by prepare";
    default:
      return "the result of another step";
  }
}

/// Refuses an argument that a step writes to, unless this list of steps made it by empty or zero (or it is a view of
/// one).
Status check_written(const Arg& arg, const CheckScope& scope) {
  if (const auto* list = std::get_if<std::vector<Arg>>(&arg.value)) {
    for (const Arg& item : *list)
      if (auto ok = check_written(item, scope); !ok) return ok;
    return {};
  }
  const std::string todo =
      R"(write only to tensors made by "empty" or "zero" in this list, or use the form that returns its result)";
  const auto* name = std::get_if<Arg::Name>(&arg.value);
  if (!name) return fail("the step writes to an argument that is no tensor", {}, todo);
  const Origin origin = scope.tensors.at(name->tensor);
  if (origin == Origin::own) return {};
  return fail(fmt::format("the step writes to '{}', which is {}", name->tensor, origin_text(origin)), {}, todo);
}

Status assign(const std::string& name, Origin origin, CheckScope& scope) {
  if (!is_name(name)) return fail(fmt::format("'{}' is no name", shorten(name)), "out");
  if (scope.symbols.contains(name))
    return fail(fmt::format("'{}' is a symbol already", name), "out", "choose another name");
  if (!scope.tensors.emplace(name, origin).second)
    return fail(fmt::format("'{}' is assigned twice", name), "out", "names are assigned once: choose another");
  scope.later.erase(name);
  return {};
}

Status check_op_name(const std::string& op) {
  const OpName name = split_op(op);
  const auto word = [](std::string_view text) { return is_name(text) && text.find('.') == text.npos; };
  if (!word(name.space) || !word(name.base) || (!name.overload.empty() && !is_name(name.overload)) || op.ends_with('.'))
    return fail(fmt::format("'{}' is no operator's name", shorten(op)), "op", "write it as aten::add.Tensor");
  if (std::ranges::find(op_spaces, name.space) == op_spaces.end())
    return fail(fmt::format("operators of '{}' may not be used", name.space), "op",
                fmt::format("use those of {}", fmt::join(op_spaces, ", ")));
  const auto row = std::ranges::find(denied, name.base, &Denied::base);
  if (row != denied.end()) return fail(fmt::format("'{}' may not be used: {}", op, row->why), "op");
  return {};
}

struct CheckStep {
  CheckScope& scope;

  Status operator()(const OpStep& step) const {
    if (auto ok = check_op_name(step.op); !ok) return ok;
    if (auto ok = check_args(step.args, scope, Place::op); !ok) return ok;
    Symbols seen;
    for (const auto& [key, arg] : step.kwargs) {
      if (!is_name(key) || !seen.insert(key).second)
        return fail("this is no argument's name, or it stands twice", "kwargs > " + shorten(key));
      if (auto ok = check_arg(arg, scope, Place::op); !ok) return inside("kwargs > " + key, std::move(ok.error()));
    }
    for (const Arg* arg : written_by(step))
      if (auto ok = check_written(*arg, scope); !ok) return ok;
    const Origin origin = views_own(step) ? Origin::own : Origin::result;
    for (const std::string& name : step.out)
      if (!name.empty())
        if (auto ok = assign(name, origin, scope); !ok) return ok;
    return {};
  }

  /// A view of a tensor that may be written may be written too: that is how a step fills a part of a buffer.
  bool views_own(const OpStep& step) const {
    if (!makes_view(step.op) || step.args.empty()) return false;
    const auto* name = std::get_if<Arg::Name>(&step.args[0].value);
    return name && scope.tensors.at(name->tensor) == Origin::own;
  }

  Status operator()(const LaunchStep& step) const {
    const auto& kernels = scope.plan.kernels;
    if (std::ranges::find(kernels, step.kernel, &std::pair<std::string, Kernel>::first) == kernels.end())
      return fail(fmt::format("there is no kernel '{}'", step.kernel), "launch", R"(declare it under "kernels")");
    if (auto ok = scope.plan.target == "cpu" ? check_range(step) : check_grid(step); !ok) return ok;
    if (step.args.size() > max_kernel_args)
      return fail(fmt::format("a kernel takes at most {} arguments", max_kernel_args), "args");
    return check_args(step.args, scope, Place::launch);
  }

  Status check_range(const LaunchStep& step) const {
    if (step.grid || step.block || step.cluster || step.shared_bytes || step.cooperative)
      return fail("grid, block, cluster, shared_bytes and cooperative are for GPUs", "launch",
                  R"(on a CPU a launch has "range" and may have "grain")");
    if (!step.range)
      return fail("the key 'range' is missing", "launch", R"(write "range": how many pieces of work there are)");
    if (auto ok = check_size(*step.range, scope, 0, "the range"); !ok) return inside("range", std::move(ok.error()));
    if (!step.grain) return {};
    if (auto ok = check_size(*step.grain, scope, 1, "the grain"); !ok) return inside("grain", std::move(ok.error()));
    return {};
  }

  Status check_grid(const LaunchStep& step) const {
    if (step.range || step.grain)
      return fail("range and grain are for CPUs", "launch", R"(on a GPU a launch has "grid" and "block")");
    if (!step.grid || !step.block) return fail("the keys 'grid' and 'block' are wanted", "launch");
    if (auto ok = check_sizes(*step.grid, "grid", 0); !ok) return ok;
    if (auto ok = check_sizes(*step.block, "block", 1); !ok) return ok;
    if (step.cluster)
      if (auto ok = check_sizes(*step.cluster, "cluster", 1); !ok) return ok;
    if (step.shared_bytes)
      if (auto ok = check_size(*step.shared_bytes, scope, 0, "the shared memory"); !ok)
        return inside("shared_bytes", std::move(ok.error()));
    return check_launch(constants_of(step));
  }

  Status check_sizes(const std::array<Expr, 3>& grid, std::string_view key, std::int64_t least) const {
    for (std::size_t i = 0; i < grid.size(); ++i)
      if (auto ok = check_size(grid[i], scope, least, "the size"); !ok)
        return inside(fmt::format("{}[{}]", key, i), std::move(ok.error()));
    return {};
  }

  Status operator()(const AllocateStep& step) const {
    if (step.like)
      if (auto ok = check_tensor(*step.like, scope); !ok) return inside("like", std::move(ok.error()));
    if (!step.like && (!step.dtype || !step.shape))
      return fail("the size of the new tensor is not said", {}, R"(write "like", or "dtype" and "shape")");
    if (!step.like && step.strides.kind == Strides::Kind::any)
      return fail("strides 'any' need a tensor to be like", "strides", R"(write "like")");
    if (step.shape)
      if (auto ok = check_shape(step); !ok) return ok;
    for (std::size_t i = 0; i < step.strides.values.size(); ++i)
      if (auto ok = check_size(step.strides.values[i], scope, 0, "the stride"); !ok)
        return inside(fmt::format("strides[{}]", i), std::move(ok.error()));
    return assign(step.out, Origin::own, scope);
  }

  Status check_shape(const AllocateStep& step) const {
    const auto& shape = *step.shape;
    if (shape.size() > limits::dimensions)
      return fail(fmt::format("a tensor has at most {} dimensions", limits::dimensions), "shape");
    std::int64_t bytes = step.dtype ? dtype_bytes(*step.dtype) : 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (auto ok = check_size(shape[i], scope, 0, "the size"); !ok)
        return inside(fmt::format("shape[{}]", i), std::move(ok.error()));
      const auto* value = shape[i].constant();
      if (value && __builtin_mul_overflow(bytes, *value, &bytes)) bytes = max_allocation_bytes + 1;
      if (bytes > max_allocation_bytes) bytes = max_allocation_bytes + 1;
    }
    if (bytes > max_allocation_bytes)
      return fail(fmt::format("the tensor would have more than {} GiB", max_allocation_bytes >> 30), "shape",
                  "work in smaller pieces");
    if (auto ok = check_strides(step.strides, shape.size()); !ok) return inside("strides", std::move(ok.error()));
    return {};
  }

  Status operator()(const LayoutStep& step) const {
    if (auto ok = check_tensor(step.of, scope); !ok) return inside("of", std::move(ok.error()));
    if (step.strides.kind == Strides::Kind::any) return fail("the layout 'any' asks for nothing", "strides");
    for (std::size_t i = 0; i < step.strides.values.size(); ++i)
      if (auto ok = check_size(step.strides.values[i], scope, 0, "the stride"); !ok)
        return inside(fmt::format("strides[{}]", i), std::move(ok.error()));
    return assign(step.out, Origin::result, scope);
  }

  Status operator()(const CallStep& step) const {
    if (auto ok = check_call(step, scope); !ok) return ok;
    return take(step.args, step.out);
  }

  Status operator()(const ChoiceStep& step) const {
    if (auto ok = check_tensor(step.flag, scope); !ok) return inside("if", std::move(ok.error()));
    if (auto ok = check_choice(step, scope); !ok) return ok;
    return take(step.args, step.out);
  }

  Status take(const std::vector<std::string>& args, const std::vector<std::string>& out) const {
    for (std::size_t i = 0; i < args.size(); ++i)
      if (auto ok = check_tensor(args[i], scope); !ok) return inside(fmt::format("args[{}]", i), std::move(ok.error()));
    for (const std::string& name : out)
      if (auto ok = assign(name, Origin::result, scope); !ok) return ok;
    return {};
  }
};

}  // namespace

bool compares(const Expr& expr) {
  return compares(expr.node());
}

bool is_comparison(const Expr& expr) {
  const Node& root = expr.node();
  return compares_here(root.kind) && std::ranges::none_of(root.args, [](const auto& arg) { return compares(*arg); });
}

Status check_value(const Expr& expr, const CheckScope& scope) {
  if (compares(expr))
    return fail(fmt::format("'{}' compares", shorten(expr.text())), {}, R"(comparisons stand in "where" only)");
  for (const std::string& name : expr.tensors())
    if (auto ok = check_tensor(name, scope); !ok) return ok;
  for (const std::string& name : expr.symbols()) {
    if (scope.symbols.contains(name)) continue;
    if (scope.tensors.contains(name))
      return fail(fmt::format("'{}' is a tensor, not a number", name), {},
                  fmt::format("ask for numel({0}), size({0}, d) or stride({0}, d)", name));
    if (scope.later.contains(name)) return unknown_tensor(name, scope);
    return fail(fmt::format("there is no tensor and no symbol '{}'", name), {},
                scope.preparing ? "prepare knows parameters and constants only"
                                : "symbols are bound by the shapes of inputs and by loops");
  }
  return {};
}

Status check_strides(const Strides& strides, std::size_t rank) {
  using Kind = Strides::Kind;
  const auto wants = [&](std::size_t wanted) {
    return fail(fmt::format("{} is for {} dimensions, here are {}", strides_name(strides.kind), wanted, rank));
  };
  if (strides.kind == Kind::channels_last && rank != 4) return wants(4);
  if (strides.kind == Kind::channels_last_3d && rank != 5) return wants(5);
  if (strides.kind == Kind::explicit_ && strides.values.size() != rank)
    return fail(fmt::format("there are {} strides for {} dimensions", strides.values.size(), rank));
  return {};
}

std::unexpected<Error> unknown_tensor(const std::string& name, const CheckScope& scope) {
  if (scope.later.contains(name))
    return fail(fmt::format("'{}' is used before it is assigned", name), {},
                "put the step that makes it first; steps cannot depend on each other in a circle");
  const auto& inputs = scope.plan.inputs;
  const auto same = [&](const Input& input) {
    return std::visit([&](const auto& one) { return one.name == name; }, input);
  };
  const auto input = std::ranges::find_if(inputs, same);
  if (input != inputs.end() && std::holds_alternative<InputValue>(*input))
    return fail(fmt::format("the input '{}' is a value, not a tensor", name), {},
                "it is guarded by its value: write that value");
  if (input != inputs.end() && scope.preparing)
    return fail(fmt::format("prepare reads the input '{}'", name), {},
                "prepare runs once for the parameters: move the step to \"steps\"");
  return fail(fmt::format("there is no tensor '{}'", shorten(name)), {}, "declare it, or make it in an earlier step");
}

Status check_step(const Step& step, CheckScope& scope) {
  return std::visit(CheckStep{scope}, step);
}

}  // namespace burnish
