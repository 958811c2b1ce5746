#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "plan/names.h"
#include "plan/print.h"
#include "plan/print_parts.h"

namespace burnish {
namespace {

std::string list_text(const std::vector<Expr>& exprs) {
  std::vector<std::string> texts;
  for (const Expr& expr : exprs) texts.push_back(expr.text());
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string strides_text(const Strides& strides) {
  return strides.kind == Strides::Kind::explicit_ ? "strides " + list_text(strides.values)
                                                  : std::string(strides_name(strides.kind));
}

std::string arg_text(const Arg& arg);

struct ArgText {
  std::string operator()(const Arg::None&) const { return "null"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const Expr& expr) const { return expr.text(); }
  std::string operator()(const Arg::Literal& literal) const {
    return literal.kind == "str" ? '"' + literal.text + '"' : literal.text;
  }
  std::string operator()(const Arg::Name& name) const {
    return name.offset ? fmt::format("{} at {}", name.tensor, name.offset->text()) : name.tensor;
  }
  std::string operator()(const std::vector<Arg>& list) const {
    std::vector<std::string> texts;
    for (const Arg& arg : list) texts.push_back(arg_text(arg));
    return fmt::format("[{}]", fmt::join(texts, ", "));
  }
};

std::string arg_text(const Arg& arg) {
  return std::visit(ArgText{}, arg.value);
}

std::string names_text(const std::vector<std::string>& names) {
  std::vector<std::string_view> shown;
  for (const std::string& name : names) shown.push_back(name.empty() ? std::string_view("_") : name);
  return fmt::format("{}", fmt::join(shown, ", "));
}

std::string assigned(const std::vector<std::string>& names, std::string text) {
  return names.empty() ? text : names_text(names) + " = " + text;
}

struct StepText {
  std::string operator()(const OpStep& step) const {
    std::vector<std::string> args;
    for (const Arg& arg : step.args) args.push_back(arg_text(arg));
    for (const auto& [name, arg] : step.kwargs) args.push_back(name + "=" + arg_text(arg));
    return assigned(step.out, fmt::format("{}({})", step.op, fmt::join(args, ", ")));
  }
  std::string operator()(const LaunchStep& step) const {
    std::vector<std::string> args, over;
    for (const Arg& arg : step.args) args.push_back(arg_text(arg));
    const auto add = [&](std::string_view what, const std::optional<Expr>& expr) {
      if (expr) over.push_back(fmt::format("{} {}", what, expr->text()));
    };
    const auto add_grid = [&](std::string_view what, const std::optional<std::array<Expr, 3>>& grid) {
      if (grid) over.push_back(fmt::format("{} {}", what, list_text({(*grid)[0], (*grid)[1], (*grid)[2]})));
    };
    add("range", step.range);
    add("grain", step.grain);
    add_grid("grid", step.grid);
    add_grid("block", step.block);
    add_grid("cluster", step.cluster);
    add("shared bytes", step.shared_bytes);
    if (step.cooperative) over.emplace_back("cooperative");
    return fmt::format("launch {}({}) over {}", step.kernel, fmt::join(args, ", "), fmt::join(over, ", "));
  }
  std::string operator()(const AllocateStep& step) const {
    std::string text = fmt::format("{} = {}", step.out, step.zero ? "zero" : "empty");
    if (step.like) text += " like " + *step.like;
    if (step.dtype) text += fmt::format(" {}", dtype_name(*step.dtype));
    if (step.shape) text += fmt::format(" {}", list_text(*step.shape));
    return step.strides.kind == Strides::Kind::contiguous ? text : text + " " + strides_text(step.strides);
  }
  std::string operator()(const LayoutStep& step) const {
    return fmt::format("{} = {} of {}", step.out, strides_text(step.strides), step.of);
  }
  std::string operator()(const CallStep& step) const {
    std::string text = fmt::format("{}({})", step.function, names_text(step.args));
    if (!step.prefix.empty()) text += " with params " + step.prefix;
    if (!step.loop.empty()) text += fmt::format(" for {} from {} to {}", step.loop, step.begin.text(), step.end.text());
    return assigned(step.out, std::move(text));
  }
  std::string operator()(const ChoiceStep& step) const {
    std::string text =
        fmt::format("if {} then {} else {} of ({})", step.flag, step.then, step.otherwise, names_text(step.args));
    if (!step.prefix.empty()) text += " with params " + step.prefix;
    return assigned(step.out, std::move(text));
  }
};

void describe_steps(std::string_view title, const std::vector<Step>& steps, std::string_view indent, std::string& out) {
  if (steps.empty()) return;
  out += fmt::format("{}{}:\n", indent, title);
  for (const Step& step : steps) out += fmt::format("{}  {}\n", indent, step_to_text(step));
}

std::string input_text(const Input& input) {
  if (const auto* value = std::get_if<InputValue>(&input))
    return fmt::format("{} == {}", value->path, to_line(value->value));
  const auto& tensor = std::get<InputTensor>(input);
  std::string text = fmt::format("{}: {} {} {}", tensor.name, dtype_name(tensor.dtype), list_text(tensor.shape),
                                 strides_text(tensor.strides));
  return tensor.path == tensor.name ? text : text + " at " + tensor.path;
}

void describe_function(const std::string& name, const Function& function, std::string& out) {
  out += fmt::format("function {}({}):\n", name, names_text(function.args));
  for (const auto& [param, path] : function.params) out += fmt::format("  param {} = {}\n", param, path);
  describe_steps("prepare", function.prepare, "  ", out);
  describe_steps("steps", function.steps, "  ", out);
  out += fmt::format("  return {}\n", names_text(function.result));
}

}  // namespace

std::string step_to_text(const Step& step) {
  return std::visit(StepText{}, step);
}

std::string describe_plan(const Plan& plan) {
  std::string out = fmt::format("plan for {}\n", plan.target);
  for (const Input& input : plan.inputs) out += fmt::format("input {}\n", input_text(input));
  for (const Expr& condition : plan.where) out += fmt::format("where {}\n", condition.text());
  for (const auto& [name, path] : plan.params) out += fmt::format("param {} = {}\n", name, path);
  for (const auto& [name, key] : plan.constants) out += fmt::format("constant {} = {}\n", name, key);
  for (const auto& [name, kernel] : plan.kernels) out += fmt::format("kernel {} in {}\n", name, kernel.source);
  for (const auto& [name, function] : plan.functions) describe_function(name, function, out);
  describe_steps("prepare", plan.prepare, "", out);
  describe_steps("steps", plan.steps, "", out);
  out += fmt::format("return {}\n", to_line(plan.result));
  return out;
}

}  // namespace burnish
