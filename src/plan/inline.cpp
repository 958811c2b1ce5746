#include "plan/inline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "plan/check.h"
#include "plan/limits.h"
#include "plan/names.h"
#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using NameList = std::vector<std::string>;
using Renaming = std::unordered_map<std::string, std::string>;
using Rounds = std::map<std::string, std::int64_t>;  ///< loop symbol -> its value

/// A list pair that steps are put into: the plan's own, or that of a function that a choice calls.
struct Body {
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<Step> prepare, steps;
  std::unordered_set<std::string> taken;                             ///< names that exist in the body
  std::unordered_map<std::string, std::string> by_path;              ///< parameter path -> its name
  std::map<std::pair<std::string, std::string>, Renaming> prepared;  ///< (function, prefix) -> what it prepared
};

/// Where a call stands: what its names, prefix and loop symbols mean there, and the list for its steps.
struct Frame {
  Renaming names;
  std::string prefix;
  Rounds rounds;
  bool preparing = false;
};

class Inliner {
 public:
  explicit Inliner(const Plan& plan) : plan_(plan) {
    for (const auto& [name, function] : plan.functions) functions_.emplace(name, &function);
  }

  Result<Plan> run() {
    Body body;
    body.params = plan_.params;
    for (const auto& [name, path] : plan_.params) body.taken.insert(name), body.by_path.emplace(path, name);
    for (const auto& [name, key] : plan_.constants) body.taken.insert(name);
    for (const Input& input : plan_.inputs) std::visit([&](const auto& one) { body.taken.insert(one.name); }, input);
    reserve_symbols(body);
    for (const auto* list : {&plan_.prepare, &plan_.steps})
      for (const Step& step : *list)
        for (const std::string& name : outputs_of(step)) body.taken.insert(name);
    Frame frame;
    if (auto ok = expand_list(plan_.prepare, "prepare", frame, true, body); !ok)
      return std::unexpected(std::move(ok.error()));
    if (auto ok = expand_list(plan_.steps, "steps", frame, false, body); !ok)
      return std::unexpected(std::move(ok.error()));
    Plan out = plan_;
    out.functions = std::move(made_);
    out.params = std::move(body.params);
    out.prepare = std::move(body.prepare);
    out.steps = std::move(body.steps);
    rename_result(out.result, frame.names);
    if (auto ok = check(out); !ok) return inside("after inlining", std::move(ok.error()));
    return out;
  }

 private:
  /// Symbols must not become names of tensors in any body.
  void reserve_symbols(Body& body) const {
    for (const Input& input : plan_.inputs)
      if (const auto* tensor = std::get_if<InputTensor>(&input))
        for (const Expr& size : tensor->shape)
          if (const auto* symbol = size.symbol()) body.taken.insert(*symbol);
  }

  static void rename_result(json& result, const Renaming& names) {
    visit_result(result, [&](json& text) {
      const auto expr = Expr::parse(text.get_ref<const std::string&>());
      if (!expr) return;
      const auto found = expr->symbol() ? names.find(*expr->symbol()) : names.end();
      if (found != names.end())
        text = found->second;
      else if (!expr->tensors().empty())
        text = renamed(*expr, {names, {}, {}, false}).text();
    });
  }

  /// A new name that begins with `hint`.
  static std::string fresh(const std::string& hint, Body& body) {
    std::string name = hint.size() > 200 ? hint.substr(0, 200) : hint;
    for (int serial = 2; !body.taken.insert(name).second; ++serial)
      name = fmt::format("{}_{}", hint.substr(0, 200), serial);
    return name;
  }

  static std::optional<std::string> find(const Renaming& names, const std::string& name) {
    const auto found = names.find(name);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  }

  /// The expression with the frame's names, and numbers for its loop symbols; an integer where nothing else is left.
  static Expr renamed(const Expr& expr, const Frame& frame) {
    Expr out = replace(expr, {[&](const std::string& symbol) -> std::optional<Expr> {
                                const auto found = frame.rounds.find(symbol);
                                return found == frame.rounds.end() ? std::nullopt : std::optional(Expr(found->second));
                              },
                              [&](const std::string& tensor) { return find(frame.names, tensor); }});
    if (!out.constant() && out.symbols().empty() && out.tensors().empty())
      if (const auto value = out.evaluate({}); value) return Expr(*value);
    return out;
  }

  static std::string rounds_text(const Rounds& rounds) {
    std::string text;
    for (const auto& [symbol, value] : rounds) text += fmt::format("\n{}={}", symbol, value);
    return text;
  }

  static std::string expand_prefix(std::string prefix, const Rounds& rounds) {
    for (const auto& [symbol, value] : rounds) {
      const std::string pattern = "{" + symbol + "}", text = fmt::format("{}", value);
      for (std::size_t at = prefix.find(pattern); at != prefix.npos; at = prefix.find(pattern, at + text.size()))
        prefix.replace(at, pattern.size(), text);
    }
    return prefix;
  }

  /// Puts a list of the frame's body into `body`; `frame.names` learns what the steps make.
  Status expand_list(const std::vector<Step>& list, std::string_view key, Frame& frame, bool preparing, Body& body) {
    frame.preparing = preparing;
    for (std::size_t i = 0; i < list.size(); ++i) {
      Status ok;
      if (const auto* call = std::get_if<CallStep>(&list[i]))
        ok = expand_call(*call, frame, body);
      else if (const auto* choice = std::get_if<ChoiceStep>(&list[i]))
        ok = expand_choice(*choice, frame, body);
      else
        ok = put(list[i], frame, body);
      if (!ok) return inside(describe_step(key, i, list[i]), std::move(ok.error()));
    }
    return {};
  }

  Status put(Step step, Frame& frame, Body& body) {
    if (++steps_ > limits::steps) return fail(fmt::format("more than {} steps would come out", limits::steps));
    StepVisitor visitor;
    visitor.read = [&](std::string& name) {
      if (const auto other = find(frame.names, name)) name = *other;
    };
    visitor.assign = visitor.read;  // whoever made the frame has chosen the names
    visitor.expression = [&](Expr& expr) { expr = renamed(expr, frame); };
    visit(step, visitor);
    (frame.preparing ? body.prepare : body.steps).push_back(std::move(step));
    return {};
  }

  static NameList renamed(const NameList& names, const Frame& frame) {
    NameList out;
    for (const std::string& name : names) out.push_back(find(frame.names, name).value_or(name));
    return out;
  }

  Status expand_call(const CallStep& step, Frame& frame, Body& body) {
    NameList args = renamed(step.args, frame);
    const NameList wanted = renamed(step.out, frame);
    if (step.loop.empty()) {
      TRY(results, expand_function(step.function, args, wanted, frame.prefix + expand_prefix(step.prefix, frame.rounds),
                                   frame, body));
      return bind(step.out, results, frame);
    }
    const Expr begin = renamed(step.begin, frame), end = renamed(step.end, frame);
    if (!begin.constant() || !end.constant())
      return fail("a loop whose bounds are not plain integers cannot be unrolled", "in",
                  "write integers, or keep the loop");
    for (std::int64_t i = *begin.constant(); i < *end.constant(); ++i) {
      Frame round = frame;
      round.rounds[step.loop] = i;
      const bool last = i + 1 == *end.constant();
      TRY(results, expand_function(step.function, args, last ? wanted : NameList(wanted.size()),
                                   frame.prefix + expand_prefix(step.prefix, round.rounds), round, body));
      std::ranges::copy(results, args.begin());
    }
    args.resize(step.out.size());
    return bind(step.out, args, frame);
  }

  /// From here on the caller's names mean what the function returned.
  static Status bind(const NameList& out, const NameList& results, Frame& frame) {
    for (std::size_t i = 0; i < out.size(); ++i) frame.names[out[i]] = results[i];
    return {};
  }

  /// The body's steps with fresh names, in the caller's list. Results that the body makes get the `wanted` names.
  Result<NameList> expand_function(const std::string& name, const NameList& args, const NameList& wanted,
                                   const std::string& prefix, const Frame& caller, Body& body) {
    const Function& function = *functions_.at(name);
    const std::string suffix = fmt::format(".{}{}", name, ++serial_);
    Frame frame{{}, prefix, caller.rounds, caller.preparing};
    for (std::size_t i = 0; i < args.size(); ++i) frame.names[function.args[i]] = args[i];
    for (const auto& [param, path] : function.params) frame.names[param] = param_name(prefix + path, param, body);
    if (auto ok = expand_prepare(name, function, suffix, frame, body); !ok)
      return std::unexpected(std::move(ok.error()));
    name_locals(function.steps, suffix, function.result, wanted, frame, body);
    if (auto ok = expand_list(function.steps, "steps", frame, caller.preparing, body); !ok)
      return inside(name, std::move(ok.error()));
    return renamed(function.result, frame);
  }

  /// Chooses names for what a list makes.
  static void name_locals(const std::vector<Step>& list, const std::string& suffix, const NameList& results,
                          const NameList& wanted, Frame& frame, Body& body) {
    for (const Step& step : list)
      for (const std::string& name : outputs_of(step)) {
        if (name.empty()) continue;
        const auto at = static_cast<std::size_t>(std::ranges::find(results, name) - results.begin());
        frame.names[name] = at < wanted.size() && !wanted[at].empty() ? wanted[at] : fresh(name + suffix, body);
      }
  }

  /// A function's prepare steps, unless this function was prepared for this prefix before.
  Status expand_prepare(const std::string& name, const Function& function, const std::string& suffix, Frame& frame,
                        Body& body) {
    if (function.prepare.empty()) return {};
    // Where prepare calls others, their prefixes may mention loops around this call.
    const bool calls =
        std::ranges::any_of(function.prepare, [](const Step& step) { return !functions_of(step).empty(); });
    const auto key = std::pair(name, frame.prefix + (calls ? rounds_text(frame.rounds) : std::string()));
    if (const auto found = body.prepared.find(key); found != body.prepared.end()) {
      for (const auto& [local, made] : found->second) frame.names[local] = made;
      return {};
    }
    name_locals(function.prepare, suffix, {}, {}, frame, body);
    if (auto ok = expand_list(function.prepare, "prepare", frame, true, body); !ok)
      return inside(name, std::move(ok.error()));
    Renaming made;
    for (const Step& step : function.prepare)
      for (const std::string& local : outputs_of(step))
        if (!local.empty()) made[local] = frame.names.at(local);
    body.prepared.emplace(key, std::move(made));
    return {};
  }

  static std::string param_name(const std::string& path, const std::string& hint, Body& body) {
    if (const auto found = body.by_path.find(path); found != body.by_path.end()) return found->second;
    std::string readable;
    for (const char c : path)
      readable += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : '_';
    const std::string name = fresh(is_name(readable) ? readable : hint, body);
    body.params.emplace_back(name, path);
    body.by_path.emplace(path, name);
    return name;
  }

  /// A choice calls functions of its own in which prefixes and loop symbols have their values.
  Status expand_choice(const ChoiceStep& step, Frame& frame, Body& body) {
    ChoiceStep out = step;
    const std::string prefix = frame.prefix + expand_prefix(step.prefix, frame.rounds);
    out.prefix.clear();
    for (auto* name : {&out.then, &out.otherwise}) {
      TRY(special, specialise(*name, prefix, frame));
      *name = special;
    }
    return put(std::move(out), frame, body);
  }

  Result<std::string> specialise(const std::string& name, const std::string& prefix, const Frame& caller) {
    std::string key = name + '\n' + prefix + rounds_text(caller.rounds);
    if (const auto found = specialised_.find(key); found != specialised_.end()) return found->second;
    const Function& function = *functions_.at(name);
    Body body;
    reserve_symbols(body);
    for (const std::string& arg : function.args) body.taken.insert(arg);
    Frame frame{{}, prefix, caller.rounds, false};
    TRY(results, expand_function(name, function.args, NameList(function.result.size()), prefix, frame, body));
    std::string made = name;
    for (int serial = 2; !function_names_.insert(made).second; ++serial) made = fmt::format("{}_{}", name, serial);
    made_.emplace_back(made, Function{function.args, std::move(body.params), std::move(body.prepare),
                                      std::move(body.steps), std::move(results)});
    specialised_.emplace(std::move(key), made);
    return made;
  }

  const Plan& plan_;
  std::unordered_map<std::string, const Function*> functions_;
  std::vector<std::pair<std::string, Function>> made_;
  std::unordered_map<std::string, std::string> specialised_;
  std::unordered_set<std::string> function_names_;
  std::size_t steps_ = 0;
  int serial_ = 0;
};

}  // namespace

Result<Plan> inline_calls(const Plan& plan) {
  return Inliner(plan).run();
}

bool is_flat(const Plan& plan) {
  const auto flat = [](const std::vector<Step>& steps) {
    return std::ranges::all_of(steps, [](const Step& step) { return functions_of(step).empty(); });
  };
  return flat(plan.prepare) && flat(plan.steps);
}

}  // namespace burnish
