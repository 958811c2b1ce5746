#include "plan/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "plan/check_calls.h"
#include "plan/check_interface.h"
#include "plan/check_step.h"
#include "plan/guards.h"
#include "plan/limits.h"
#include "plan/names.h"
#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using FactsByName = std::unordered_map<std::string, FunctionFacts>;

constexpr std::array<std::string_view, 4> targets = {"cpu", "cuda", "metal", "metal-emulated"};

/// Checks a list of steps in order; names become known as they are assigned.
Status check_list(std::string_view key, const std::vector<Step>& steps, CheckScope& scope) {
  for (const Step& step : steps)
    for (const std::string& name : outputs_of(step))
      if (!name.empty() && !scope.tensors.contains(name)) scope.later.insert(name);
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (auto ok = check_step(steps[i], scope); !ok)
      return inside(describe_step(key, i, steps[i]), std::move(ok.error()));
  return {};
}

/// What `prepare` made stays from call to call, so steps must not write to it.
void freeze_prepared(CheckScope& scope) {
  for (auto& [name, origin] : scope.tensors)
    if (origin == Origin::own || origin == Origin::result) origin = Origin::prepared;
}

template <class Visit>
void each_step(const Plan& plan, const Visit& visit) {
  for (const auto* list : {&plan.prepare, &plan.steps})
    for (const Step& step : *list) visit(step);
  for (const auto& [name, function] : plan.functions)
    for (const auto* list : {&function.prepare, &function.steps})
      for (const Step& step : *list) visit(step);
}

Status check_limits(const Plan& plan) {
  std::size_t steps = 0;
  each_step(plan, [&](const Step&) { ++steps; });
  if (steps > limits::steps) return fail(fmt::format("the plan has {} steps, more than {}", steps, limits::steps));
  if (std::ranges::find(targets, plan.target) != targets.end()) return {};
  return fail(fmt::format("'{}' is no target", shorten(plan.target)), "target",
              fmt::format("write {}", fmt::join(targets, ", ")));
}

/// A recorded run has no host that decides anything.
Status check_graph(const Plan& plan) {
  if (!plan.graph) return {};
  if (plan.target != "cuda")
    return fail(fmt::format("only plans of the target cuda are recorded as a graph, this one is for {}", plan.target),
                "graph", "leave it out");
  bool chooses = false;
  each_step(plan, [&](const Step& step) { chooses |= std::holds_alternative<ChoiceStep>(step); });
  if (!chooses) return {};
  return fail("a choice is decided while the plan runs, which a recorded graph does not see", "graph",
              "leave it out, or compute both and select");
}

void add_loops(const std::vector<Step>& steps, Symbols& loops) {
  for (const Step& step : steps)
    if (const auto* call = std::get_if<CallStep>(&step); call && !call->loop.empty()) loops.insert(call->loop);
}

Symbols loops_of(const Plan& plan) {
  Symbols loops;
  add_loops(plan.prepare, loops);
  add_loops(plan.steps, loops);
  for (const auto& [name, function] : plan.functions) {
    add_loops(function.prepare, loops);
    add_loops(function.steps, loops);
  }
  return loops;
}

Symbols without(Symbols symbols, const Symbols& removed) {
  std::erase_if(symbols, [&](const std::string& symbol) { return removed.contains(symbol); });
  return symbols;
}

Status declare(const std::string& name, Origin origin, CheckScope& scope) {
  if (!is_name(name)) return fail(fmt::format("'{}' is no name", shorten(name)));
  if (scope.symbols.contains(name))
    return fail(fmt::format("'{}' is a symbol already", name), name, "choose another name");
  if (scope.tensors.emplace(name, origin).second) return {};
  return fail(fmt::format("the name '{}' stands twice", name), name,
              "inputs, params, constants and results of steps share one space of names");
}

Status declare_params(const std::vector<std::pair<std::string, std::string>>& pairs, Origin origin, CheckScope& scope) {
  for (const auto& [name, path] : pairs) {
    if (auto ok = declare(name, origin, scope); !ok) return ok;
    if (path.empty())
      return fail("the path is empty", name, "write the path of a parameter or buffer, or the key of a constant");
  }
  return {};
}

/// A function body: it sees its arguments and parameters. Symbols are those that some caller may have.
Status check_function(const Plan& plan, const Function& function, const FactsByName& facts, const Symbols& possible,
                      const Symbols& loops) {
  CheckScope scope{plan, facts, {}, {}, loops, {}, true};
  if (auto ok = declare_params(function.params, Origin::param, scope); !ok)
    return inside("params", std::move(ok.error()));
  if (auto ok = check_list("prepare", function.prepare, scope); !ok) return ok;
  freeze_prepared(scope);
  scope.preparing = false;
  scope.symbols = possible;
  for (const auto& [name, origin] : scope.tensors)
    if (possible.contains(name))
      return fail(fmt::format("'{}' is a symbol already", name), name, "choose another name");
  for (const std::string& arg : function.args)
    if (auto ok = declare(arg, Origin::argument, scope); !ok) return inside("args", std::move(ok.error()));
  if (auto ok = check_list("steps", function.steps, scope); !ok) return ok;
  for (std::size_t i = 0; i < function.result.size(); ++i)
    if (!scope.tensors.contains(function.result[i]))
      return inside(fmt::format("result[{}]", i), unknown_tensor(function.result[i], scope).error());
  return {};
}

Status check_functions(const Plan& plan, const Symbols& bound, FactsByName& facts) {
  const Symbols loops = loops_of(plan);
  Symbols possible = bound, called, names;
  possible.insert(loops.begin(), loops.end());
  each_step(plan, [&](const Step& step) {
    for (const std::string& callee : functions_of(step)) called.insert(callee);
  });
  for (const auto& [name, function] : plan.functions) {
    if (!is_name(name) || !names.insert(name).second)
      return fail(fmt::format("'{}' is no name, or it stands twice", shorten(name)));
    if (!called.contains(name)) return fail("the function is never called", name, "call it or remove it");
  }
  TRY(order, callees_first(plan));
  for (const auto* named : order) {
    const auto& [name, function] = *named;
    Symbols own;  // loops inside the body, which it names itself
    add_loops(function.prepare, own);
    add_loops(function.steps, own);
    if (auto ok = check_function(plan, function, facts, without(possible, own), without(loops, own)); !ok)
      return inside(name, std::move(ok.error()));
    facts.emplace(name, facts_of(function, facts));
  }
  return {};
}

/// Whether a node is {"str": text} or {"float": text} and the text names no tensor; see plan/result.h.
bool is_literal(const json& node, const CheckScope& scope) {
  if (!node.is_object() || node.size() != 1) return false;
  const std::string& key = node.begin().key();
  const json& value = node.begin().value();
  return (key == "str" || key == "float") && value.is_string() && !scope.tensors.contains(value.get<std::string>());
}

Status check_literal(const json& node) {
  const auto text = node.begin().value().get<std::string>();
  if (node.begin().key() == "str" || text == "inf" || text == "-inf" || text == "nan") return {};
  return fail(fmt::format("'{}' is no float", shorten(text)), "float",
              "write inf, -inf or nan; other numbers are written as they are");
}

Status check_result(const json& node, const CheckScope& scope) {
  if (is_literal(node, scope)) return check_literal(node);
  if (node.is_structured()) {
    for (const auto& [key, item] : node.items())
      if (auto ok = check_result(item, scope); !ok)
        return inside(node.is_array() ? fmt::format("[{}]", key) : shorten(key), std::move(ok.error()));
    return {};
  }
  if (!node.is_string()) return {};
  const auto& text = node.get_ref<const std::string&>();
  if (scope.tensors.contains(text)) return {};
  const auto expr = Expr::parse(text);
  if (!expr || (expr->symbol() && !scope.symbols.contains(text))) return unknown_tensor(text, scope);
  return check_value(*expr, scope);
}

Status check_parts(const Plan& plan) {
  if (auto ok = check_limits(plan); !ok) return ok;
  if (auto ok = check_graph(plan); !ok) return ok;
  TRY(bound, check_inputs(plan));
  if (const auto guards = Guards::compile(plan); !guards) return std::unexpected(guards.error());
  if (auto ok = check_kernels(plan); !ok) return inside("kernels", std::move(ok.error()));
  FactsByName facts;
  if (auto ok = check_functions(plan, bound, facts); !ok) return inside("functions", std::move(ok.error()));
  CheckScope scope{plan, facts, {}, {}, {}, {}, true};
  if (auto ok = declare_params(plan.params, Origin::param, scope); !ok) return inside("params", std::move(ok.error()));
  if (auto ok = declare_params(plan.constants, Origin::constant, scope); !ok)
    return inside("constants", std::move(ok.error()));
  if (auto ok = check_list("prepare", plan.prepare, scope); !ok) return ok;
  freeze_prepared(scope);
  scope.preparing = false;
  for (const auto& [name, origin] : scope.tensors)
    if (bound.contains(name))
      return fail(fmt::format("'{}' is a symbol and a tensor", name), name, "choose another name");
  scope.symbols = std::move(bound);
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input))
      if (auto ok = declare(tensor->name, Origin::input, scope); !ok) return inside("inputs", std::move(ok.error()));
  if (auto ok = check_list("steps", plan.steps, scope); !ok) return ok;
  if (auto ok = check_result(plan.result, scope); !ok) return inside("result", std::move(ok.error()));
  return {};
}

}  // namespace

Status check(const Plan& plan) {
  Status ok = check_parts(plan);
  if (!ok && ok.error().reason.empty()) ok.error().reason = "plan";
  return ok;
}

}  // namespace burnish
