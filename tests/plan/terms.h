#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "plan/plan.h"
#include "plan/print.h"
#include "plan/result.h"
#include "plan/step_names.h"
#include "plan/writes.h"

/// A plan run on names instead of numbers: every tensor is a hash of how it came about. Two plans that compute the same
/// in the same way have the same terms, whatever their names are. Written before the passes that it tests and sharing
/// no code with them but the visitor of steps.
namespace burnish {

class Terms {
 public:
  explicit Terms(const Plan& plan) : plan_(plan) {}

  /// The result tree with terms for tensors.
  std::string result() {
    Env env;
    for (const Input& input : plan_.inputs)
      std::visit([&](const auto& one) { env.cells[one.name] = cell("input " + one.name); }, input);
    for (const auto& [name, path] : plan_.params) env.cells[name] = cell("param " + path);
    for (const auto& [name, key] : plan_.constants) env.cells[name] = cell("constant " + key);
    run(plan_.prepare, env);
    run(plan_.steps, env);
    json tree = plan_.result;
    visit_result(tree, [&](json& text) {
      const auto word = text.get<std::string>();
      if (env.cells.contains(word))
        text = term(env, word);
      else if (const auto expr = Expr::parse(word); expr && !expr->symbol())
        text = resolved(*expr, env);
    });
    return tree.dump();
  }

 private:
  /// A cell is a piece of memory; views share their base's cell, so that a write through one is seen by the other.
  struct Env {
    std::map<std::string, std::size_t> cells;
    std::map<std::string, std::int64_t> rounds;
    std::string prefix;
  };

  std::size_t cell(std::string content) {
    memory_.push_back(hash_hex(content));
    return memory_.size() - 1;
  }
  std::string term(const Env& env, const std::string& name) const {
    const auto found = env.cells.find(name);
    return found == env.cells.end() ? "UNKNOWN " + name : memory_[found->second];
  }

  std::string resolved(const Expr& expr, const Env& env) const {
    const Expr out = replace(
        expr, {[&](const std::string& symbol) -> std::optional<Expr> {
                 const auto found = env.rounds.find(symbol);
                 return found == env.rounds.end() ? std::nullopt : std::optional(Expr(found->second));
               },
               [&](const std::string& tensor) -> std::optional<std::string> { return "t" + term(env, tensor); }});
    if (const auto value = out.evaluate({}); value) return fmt::format("{}", *value);
    return out.text();
  }

  /// The step without its outputs and with terms for names.
  std::string content(Step step, const Env& env) const {
    StepVisitor visitor;
    visitor.read = [&](std::string& name) { name = term(env, name); };
    visitor.assign = [](std::string& name) { name = "_"; };
    visitor.expression = [&](Expr& expr) { expr = *Expr::parse(resolved(expr, env)); };
    visit(step, visitor);
    return step_to_json(step).dump();
  }

  void run(const std::vector<Step>& steps, Env& env) {
    for (const Step& step : steps) {
      if (const auto* call = std::get_if<CallStep>(&step))
        run_call(*call, env);
      else if (const auto* choice = std::get_if<ChoiceStep>(&step))
        run_choice(*choice, env);
      else
        run_plain(step, env);
    }
  }

  void run_plain(const Step& step, Env& env) {
    const std::string what = content(step, env);
    if (const auto* launch = std::get_if<LaunchStep>(&step))
      for (std::size_t i = 0; i < launch->args.size(); ++i)
        if (const auto* name = std::get_if<Arg::Name>(&launch->args[i].value);
            name && own_.contains(env.cells.at(name->tensor)))
          memory_[env.cells.at(name->tensor)] = hash_hex(fmt::format("{} writes {}", what, i));
    const auto* op = std::get_if<OpStep>(&step);
    if (op)
      for (const Arg* arg : written_by(*op))
        if (const auto* name = std::get_if<Arg::Name>(&arg->value))
          memory_[env.cells.at(name->tensor)] = hash_hex(what + " writes");
    const auto outputs = outputs_of(step);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].empty()) continue;
      const bool view =
          op && makes_view(op->op) && !op->args.empty() && std::holds_alternative<Arg::Name>(op->args[0].value);
      const auto base = view ? env.cells.at(std::get<Arg::Name>(op->args[0].value).tensor) : 0;
      if (view && own_.contains(base))
        env.cells[outputs[i]] = base;
      else
        env.cells[outputs[i]] = cell(fmt::format("{} output {}", what, i));
      if (std::holds_alternative<AllocateStep>(step)) own_.insert(env.cells[outputs[i]]);
    }
  }

  std::vector<std::size_t> run_function(const std::string& name, const std::vector<std::size_t>& args,
                                        const std::string& prefix, const Env& caller) {
    const auto found =
        std::ranges::find(plan_.functions, name, [](const auto& pair) -> const std::string& { return pair.first; });
    const Function& function = found->second;
    Env env{{}, caller.rounds, prefix};
    for (std::size_t i = 0; i < args.size(); ++i) env.cells[function.args[i]] = args[i];
    for (const auto& [param, path] : function.params) env.cells[param] = cell("param " + prefix + path);
    run(function.prepare, env);
    run(function.steps, env);
    std::vector<std::size_t> results;
    for (const std::string& result : function.result) results.push_back(env.cells.at(result));
    return results;
  }

  static std::string filled(std::string prefix, const Env& env) {
    for (const auto& [symbol, value] : env.rounds)
      for (auto at = prefix.find("{" + symbol + "}"); at != prefix.npos; at = prefix.find("{" + symbol + "}"))
        prefix.replace(at, symbol.size() + 2, std::to_string(value));
    return prefix;
  }

  std::vector<std::size_t> cells_of(const std::vector<std::string>& names, const Env& env) const {
    std::vector<std::size_t> cells;
    for (const std::string& name : names) cells.push_back(env.cells.at(name));
    return cells;
  }

  void run_call(const CallStep& step, Env& env) {
    auto args = cells_of(step.args, env);
    Env round = env;
    const std::int64_t begin = step.loop.empty() ? 0 : std::stoll(resolved(step.begin, env));
    const std::int64_t end = step.loop.empty() ? 1 : std::stoll(resolved(step.end, env));
    for (std::int64_t i = begin; i < end; ++i) {
      if (!step.loop.empty()) round.rounds[step.loop] = i;
      const auto results = run_function(step.function, args, env.prefix + filled(step.prefix, round), round);
      if (args.size() < results.size()) args.resize(results.size());
      std::ranges::copy(results, args.begin());
    }
    for (std::size_t i = 0; i < step.out.size(); ++i) env.cells[step.out[i]] = args[i];
  }

  void run_choice(const ChoiceStep& step, Env& env) {
    const auto args = cells_of(step.args, env);
    const std::string prefix = env.prefix + filled(step.prefix, env);
    const auto yes = run_function(step.then, args, prefix, env), no = run_function(step.otherwise, args, prefix, env);
    for (std::size_t i = 0; i < step.out.size(); ++i)
      env.cells[step.out[i]] =
          cell(fmt::format("if {} then {} else {}", term(env, step.flag), memory_[yes[i]], memory_[no[i]]));
  }

  const Plan& plan_;
  std::vector<std::string> memory_;
  std::set<std::size_t> own_;
};

}  // namespace burnish
