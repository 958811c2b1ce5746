#include "plan/check_calls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "plan/limits.h"
#include "plan/names.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using Named = std::pair<std::string, Function>;
constexpr std::size_t max_call_depth = 32;

Result<const FunctionFacts*> find_facts(const std::string& name, std::string_view key, const CheckScope& scope) {
  const auto found = scope.functions.find(name);
  if (found != scope.functions.end()) return &found->second;
  return fail(fmt::format("there is no function '{}'", shorten(name)), std::string(key),
              R"(declare it under "functions")");
}

Status check_arity(const std::string& name, const FunctionFacts& facts, std::size_t args, std::size_t out) {
  if (args != facts.args) return fail(fmt::format("'{}' takes {} tensors and gets {}", name, facts.args, args), "args");
  if (out != facts.results)
    return fail(fmt::format("'{}' returns {} tensors and {} are taken", name, facts.results, out), "out");
  return {};
}

/// Every symbol that the function leaves to its caller exists here.
Status check_free(const std::string& name, const FunctionFacts& facts, const Symbols& symbols, const Symbols& loops) {
  for (const std::string& symbol : facts.prefix_loops)
    if (!loops.contains(symbol))
      return fail(fmt::format("'{}' finds its parameters by '{}', which is no loop here", name, symbol), {},
                  R"(call it with "for" and "in")");
  for (const std::string& symbol : facts.free)
    if (!symbols.contains(symbol))
      return fail(fmt::format("'{}' uses the symbol '{}', which has no value here", name, symbol), {},
                  "symbols are bound by the shapes of inputs and by loops");
  return {};
}

Status check_prefix(const std::string& prefix, const Symbols& loops) {
  TRY(symbols, prefix_symbols(prefix));
  for (const std::string& symbol : symbols)
    if (!loops.contains(symbol))
      return fail(fmt::format("the prefix '{}' mentions '{}', which is no loop here", shorten(prefix), symbol),
                  "params", R"(add "for" and "in", or write the number)");
  return {};
}

Status check_loop(const CallStep& step, const FunctionFacts& facts, const CheckScope& scope) {
  if (!is_name(step.loop)) return fail(fmt::format("'{}' is no name", shorten(step.loop)), "for");
  if (scope.symbols.contains(step.loop) || scope.tensors.contains(step.loop))
    return fail(fmt::format("'{}' is in use already", step.loop), "for", "choose another name");
  for (const Expr* bound : {&step.begin, &step.end})
    if (auto ok = check_value(*bound, scope); !ok) return inside("in", std::move(ok.error()));
  if (step.out.size() > step.args.size())
    return fail(fmt::format("a loop gives {} tensors to its next round, but '{}' takes {}", step.out.size(),
                            step.function, step.args.size()),
                "out");
  const auto *begin = step.begin.constant(), *end = step.end.constant();
  if (begin && end) {
    std::int64_t rounds = 0;
    if (*begin >= *end)
      return fail(fmt::format("the loop from {} to {} never runs", *begin, *end), "in", "the end is not included");
    if (__builtin_sub_overflow(*end, *begin, &rounds) || rounds > limits::iterations)
      return fail(fmt::format("the loop has more than {} rounds", limits::iterations), "in");
    return {};
  }
  TRY(in_prefix, prefix_symbols(step.prefix));
  if (facts.prefix_loops.contains(step.loop) || std::ranges::find(in_prefix, step.loop) != in_prefix.end())
    return fail("a loop that chooses parameters has bounds that are plain integers", "in",
                "parameters are found before a call's sizes are known");
  return {};
}

/// Depth-first over calls; a function is `active` while those that it calls are visited.
class CallOrder {
 public:
  explicit CallOrder(const Plan& plan) {
    for (const Named& named : plan.functions) known_.emplace(named.first, &named);
  }

  /// `depth` bounds this recursion; the height, which does not depend on where it began, bounds the plan.
  Result<std::size_t> visit(const Named& named, std::size_t depth) {
    if (const auto found = heights_.find(named.first); found != heights_.end()) return found->second;
    if (!active_.insert(named.first).second)
      return fail("it calls itself, perhaps through others", named.first, "functions may not recurse");
    std::size_t height = 1;
    for (const auto* list : {&named.second.prepare, &named.second.steps})
      for (const Step& step : *list)
        for (const std::string& callee : functions_of(step)) {
          const auto found = known_.find(callee);
          if (found == known_.end()) continue;  // the step's own check says so, with its place
          if (depth == max_call_depth) return too_deep(named.first);
          TRY(below, visit(*found->second, depth + 1));
          height = std::max(height, below + 1);
        }
    if (height > max_call_depth) return too_deep(named.first);
    active_.erase(named.first);
    heights_.emplace(named.first, height);
    order_.push_back(&named);
    return height;
  }

  std::vector<const Named*> take() { return std::move(order_); }

 private:
  static std::unexpected<Error> too_deep(const std::string& name) {
    return fail(fmt::format("calls nest deeper than {}", max_call_depth), name);
  }

  std::unordered_map<std::string, const Named*> known_;
  std::unordered_map<std::string, std::size_t> heights_;
  Symbols active_;
  std::vector<const Named*> order_;
};

void add_except(Symbols& out, const Symbols& symbols, const std::string& except) {
  for (const std::string& symbol : symbols)
    if (symbol != except) out.insert(symbol);
}

void add_prefix(Symbols& out, const std::string& prefix, const std::string& except) {
  if (const auto symbols = prefix_symbols(prefix)) add_except(out, Symbols(symbols->begin(), symbols->end()), except);
}

}  // namespace

Result<std::vector<std::string>> prefix_symbols(const std::string& prefix) {
  std::vector<std::string> symbols;
  std::size_t at = 0;
  while ((at = prefix.find_first_of("{}", at)) != prefix.npos) {
    const auto end = prefix.find_first_of("{}", at + 1);
    if (prefix[at] == '}' || end == prefix.npos || prefix[end] == '{' ||
        !is_name(std::string_view(prefix).substr(at + 1, end - at - 1)))
      return fail(fmt::format("the braces of the prefix '{}' are not right", shorten(prefix)), "params",
                  R"(write a loop's symbol as in "layers.{i}.")");
    symbols.push_back(prefix.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return symbols;
}

Status check_call(const CallStep& step, const CheckScope& scope) {
  TRY(facts, find_facts(step.function, "call", scope));
  if (auto ok = check_arity(step.function, *facts, step.args.size(), step.out.size()); !ok) return ok;
  Symbols symbols = scope.symbols, loops = scope.loops;
  if (!step.loop.empty()) {
    if (auto ok = check_loop(step, *facts, scope); !ok) return ok;
    symbols.insert(step.loop);
    loops.insert(step.loop);
  }
  if (auto ok = check_prefix(step.prefix, loops); !ok) return ok;
  return check_free(step.function, *facts, symbols, loops);
}

Status check_choice(const ChoiceStep& step, const CheckScope& scope) {
  for (const auto& [key, name] : {std::pair{"then", &step.then}, std::pair{"else", &step.otherwise}}) {
    TRY(facts, find_facts(*name, key, scope));
    if (auto ok = check_arity(*name, *facts, step.args.size(), step.out.size()); !ok) return ok;
    if (auto ok = check_free(*name, *facts, scope.symbols, scope.loops); !ok) return inside(key, std::move(ok.error()));
  }
  return check_prefix(step.prefix, scope.loops);
}

Result<std::vector<const Named*>> callees_first(const Plan& plan) {
  CallOrder order(plan);
  for (const Named& named : plan.functions)
    if (auto ok = order.visit(named, 0); !ok) return std::unexpected(std::move(ok.error()));
  return order.take();
}

FunctionFacts facts_of(const Function& function, const std::unordered_map<std::string, FunctionFacts>& known) {
  FunctionFacts facts{function.args.size(), function.result.size(), {}, {}};
  for (const auto* list : {&function.prepare, &function.steps})
    for (const Step& step : *list) {
      for (const Expr& expr : expressions_of(step))
        for (const std::string& symbol : expr.symbols()) facts.free.insert(symbol);
      const auto* call = std::get_if<CallStep>(&step);
      const auto* choice = std::get_if<ChoiceStep>(&step);
      const std::string loop = call ? call->loop : std::string();
      if (call) add_prefix(facts.prefix_loops, call->prefix, loop);
      if (choice) add_prefix(facts.prefix_loops, choice->prefix, loop);
      for (const std::string& callee : functions_of(step)) {
        const auto found = known.find(callee);
        if (found == known.end()) continue;
        add_except(facts.free, found->second.free, loop);
        add_except(facts.prefix_loops, found->second.prefix_loops, loop);
      }
    }
  return facts;
}

}  // namespace burnish
