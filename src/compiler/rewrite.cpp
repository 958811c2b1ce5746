#include <algorithm>

#include "compiler/fuse/fuse.h"
#include "compiler/fuse/group.h"
#include "compiler/fuse/point_ops.h"
#include "compiler/lowering.h"
#include "compiler/rules.h"
#include "compiler/term.h"
#include "plan/print.h"

namespace burnish::compiler {
namespace {

/// Names that exist only between rules: a plan never holds them.
constexpr std::string_view inner_words[] = {"reduce_loss", "class_loss", "picked_loss"};

struct ParsedRule {
  const Rule* rule;
  Term pattern;
  Replacement replacement;
};

using Table = std::multimap<std::string, ParsedRule, std::less<>>;

Table parse(std::span<const Rule> rules) {
  Table table;
  for (const Rule& rule : rules) {
    auto pattern = parse_term(rule.pattern);
    auto replacement = parse_replacement(rule.replacement);
    if (pattern && replacement)  // tests/compiler/rules_test.cpp holds that all rows parse
      table.emplace(std::string(short_name(pattern->name)), ParsedRule{&rule, *pattern, *replacement});
  }
  return table;
}

class Rewriter {
 public:
  Rewriter(const Table& table, Context& context, const std::map<std::string, int>& uses, bool lowers)
      : table_(table), context_(context), uses_(uses), lowers_(lowers) {}

  void add(OpStep step, int depth = 0) {
    normalise_dims(step, context_);
    if (depth < 12 && step.out.size() == 1 && try_rules(step, depth)) return;
    if (lowers_ && depth < 12 && step.out.size() == 1 && lower(step, depth)) return;
    for (std::size_t i = 0; i < step.out.size(); ++i) made_[step.out[i]] = steps.size();
    steps.emplace_back(std::move(step));
  }

  void add_other(Step step) { steps.push_back(std::move(step)); }

  std::vector<Step> steps;
  std::map<std::string, std::string> aliases;

 private:
  bool lower(const OpStep& step, int depth) {
    auto lowered = lower_einsum(step, context_);
    if (lowered.empty())
      lowered = context_.options.language->splits_rows ? split_rows(step, context_) : split_reduction(step, context_);
    for (OpStep& s : lowered) add(std::move(s), depth + 1);
    return !lowered.empty();
  }

  bool try_rules(const OpStep& step, int depth) {
    const auto [first, last] = table_.equal_range(short_name(step.op));
    for (auto it = first; it != last; ++it) {
      const ParsedRule& row = it->second;
      if (!context_.allows(row.rule->kind) || !context_.is_on(std::string(row.rule->name))) continue;
      Match found;
      const Producer producer = [&](const std::string& name) -> const OpStep* {
        const auto made = made_.find(name);
        return made == made_.end() ? nullptr : std::get_if<OpStep>(&steps[made->second]);
      };
      if (!match(row.pattern, step, producer, found) || !types_fit(found, *row.rule)) continue;
      const bool shared = std::ranges::any_of(found.inner, [&](const std::string& name) {
        const auto n = uses_.find(name);
        return n != uses_.end() && n->second > 1;
      });
      if (shared) continue;
      auto written = lowers_ ? write_wide(row.replacement, found, step.out[0])
                             : write(row.replacement, found, step.out[0], context_);
      if (!written) continue;
      const auto steps_before = steps.size();
      const auto made_before = made_;
      const auto aliases_before = aliases;
      for (OpStep& s : written->steps) add(std::move(s), depth + 1);
      const bool left =
          std::any_of(steps.begin() + static_cast<std::ptrdiff_t>(steps_before), steps.end(), [](const Step& s) {
            const auto* op = std::get_if<OpStep>(&s);
            return op != nullptr && std::ranges::find(inner_words, short_name(op->op)) != std::end(inner_words);
          });
      if (left) {
        steps.resize(steps_before);
        made_ = made_before;
        aliases = aliases_before;
        continue;
      }
      if (!written->alias.empty()) aliases[step.out[0]] = written->alias;
      context_.fired.emplace_back(row.rule->name);
      return true;
    }
    return false;
  }

  /// A rule's tensors are float32, except ?index, which is a tensor of integers. Where the language has halves they may
  /// be halves: any in canonical forms, which compute in float32; all of one type where a rule does no arithmetic that
  /// eager does not.
  bool types_fit(const Match& found, const Rule& rule) const {
    std::set<DType> reals;
    const bool fit = std::ranges::all_of(found.bound, [&](const auto& item) {
      const std::string* name = as_name(item.second);
      if (name == nullptr) return true;
      const Type* type = context_.type(*name);
      if (type == nullptr) return false;
      if (item.first == "index") return type->dtype == DType::int64;
      if (item.first == "mask") return type->dtype == DType::bool_;
      reals.insert(type->dtype);
      return context_.is_real(type->dtype);
    });
    const bool narrow = std::ranges::any_of(reals, is_half);
    return fit && (!narrow || lowers_ || (reals.size() == 1 && rule.kind != RuleClass::changes));
  }

  /// Writes a replacement for float32 copies of a match's halves: what stands between its steps would lose digits as
  /// halves, or overflow, where the operator that eager calls carries it in float32.
  Result<Written> write_wide(const Replacement& replacement, Match& found, const std::string& out) {
    std::vector<OpStep> before;
    std::map<std::string, std::string> wide;
    for (auto& [variable, bound] : found.bound) {
      const std::string* name = as_name(bound);
      if (name == nullptr || !is_half(context_.type(*name)->dtype)) continue;
      std::string& made = wide[*name];
      if (made.empty()) {
        made = context_.fresh(*name + "_wide");
        before.push_back(convert(context_, made, *name, DType::float32));
      }
      bound = arg_name(made);
    }
    found.widened = !before.empty();
    const Type* type = context_.type(out);
    if (!found.widened || type == nullptr || !is_half(type->dtype)) {
      TRY(written, write(replacement, found, out, context_));
      written.steps.insert(written.steps.begin(), before.begin(), before.end());
      return written;
    }
    const Type narrow = *type;
    const std::string made = context_.fresh(out + "_wide");
    context_.types[made] = Type{DType::float32, narrow.shape, contiguous_strides(narrow.shape)};
    TRY(written, write(replacement, found, made, context_));
    written.steps.insert(written.steps.begin(), before.begin(), before.end());
    written.steps.push_back(convert(context_, out, written.alias.empty() ? made : written.alias, narrow.dtype));
    written.alias.clear();
    context_.types[out] = narrow;
    return written;
  }

  const Table& table_;
  Context& context_;
  const std::map<std::string, int>& uses_;
  bool lowers_;  ///< also what lowering.h does, which is no text
  std::map<std::string, std::size_t> made_;
};

/// Outputs of a step with several, of which only one is read: max over a dimension without its indices, and the like.
OpStep single(OpStep step, const std::map<std::string, int>& uses) {
  if (step.out.size() != 2 || (step.op != "aten::max.dim" && step.op != "aten::min.dim")) return step;
  const auto read = [&](const std::string& name) { return !name.empty() && uses.contains(name); };
  const bool values = read(step.out[0]), indices = read(step.out[1]);
  if (values == indices) return step;
  OpStep one = step;
  const bool most = step.op == "aten::max.dim";
  one.op = values ? (most ? "aten::amax" : "aten::amin") : (most ? "aten::argmax" : "aten::argmin");
  if (const auto d = as_int(one.args[1]); values && d) one.args[1] = arg_ints({*d});
  one.out = {values ? step.out[0] : step.out[1]};
  return one;
}

Plan rewrite(Plan plan, Context& context, const Table& table, bool lowers) {
  const auto uses = count_uses(plan);
  Rewriter rewriter(table, context, uses, lowers);
  for (Step& step : plan.steps) {
    rename_inputs(step, rewriter.aliases);
    if (auto* op = std::get_if<OpStep>(&step)) {
      rewriter.add(single(std::move(*op), uses));
    } else {
      rewriter.add_other(std::move(step));
    }
  }
  plan.steps = std::move(rewriter.steps);
  plan.result = rename_result(plan.result, rewriter.aliases);
  return plan;
}

}  // namespace

Result<Plan> apply_rules(Plan plan, Context& context) {
  static const Table table = parse(algebra());
  for (int round = 0; round < 4; ++round) {
    const auto before = context.fired.size();
    plan = rewrite(std::move(plan), context, table, false);
    if (context.fired.size() == before) break;
  }
  return drop_dead_steps(std::move(plan),
                         context);  // the insides of matches: canonicalise would take them apart for nothing
}

Result<Plan> canonicalise(Plan plan, Context& context) {
  static const Table table = parse(canonical_forms());
  return rewrite(std::move(plan), context, table, true);
}

Result<Plan> share_equal_steps(Plan plan, Context&) {
  std::map<std::string, std::vector<std::string>> seen;
  std::map<std::string, std::string> aliases;
  std::vector<Step> kept;
  for (Step& step : plan.steps) {
    rename_inputs(step, aliases);
    auto* op = std::get_if<OpStep>(&step);
    constexpr std::string_view random[] = {"rand", "dropout", "bernoulli", "multinomial", "normal", "empty"};
    const bool pure =
        op != nullptr &&
        std::ranges::none_of(random, [&](std::string_view w) { return op->op.find(w) != std::string::npos; }) &&
        !short_name(op->op).ends_with("_");
    if (!pure) {
      kept.push_back(std::move(step));
      continue;
    }
    OpStep key = *op;
    std::ranges::fill(key.out, "");
    const auto [it, fresh] = seen.emplace(to_line(step_to_json(Step{key})), op->out);
    if (fresh) {
      kept.push_back(std::move(step));
      continue;
    }
    bool same = true;
    for (std::size_t i = 0; i < op->out.size(); ++i) same = same && (op->out[i].empty() || !it->second[i].empty());
    if (!same) {
      kept.push_back(std::move(step));
      continue;
    }
    for (std::size_t i = 0; i < op->out.size(); ++i)
      if (!op->out[i].empty()) aliases[op->out[i]] = it->second[i];
  }
  // Two results that were equal stay two: a caller may write to one of them.
  std::map<std::string, int> times;
  const json renamed = rename_result(plan.result, aliases);
  for_each_result(renamed, [&](const std::string& name) { ++times[name]; });
  if (std::ranges::any_of(times, [](const auto& t) { return t.second > 1; })) return plan;
  plan.result = renamed;
  plan.steps = std::move(kept);
  return plan;
}

Result<Plan> prepare_parameters(Plan plan, Context& context) {
  std::set<std::string> fixed;
  std::int64_t budget = 0;
  const auto bytes = [&](const std::string& name) -> std::int64_t {
    const Type* t = context.type(name);
    return t == nullptr || t->numel() < 0 ? -1 : t->numel() * 4;
  };
  for (const auto& [name, path] : plan.params) {
    fixed.insert(name);
    budget += std::max<std::int64_t>(0, bytes(name));
  }
  for (const auto& [name, key] : plan.constants) fixed.insert(name);
  budget = budget * 3 / 2;  // twice the parameters is allowed; the rest is for weights packed later
  std::set<std::string> results;
  for_each_result(plan.result, [&](const std::string& name) { results.insert(name); });
  std::vector<Step> rest;
  for (Step& step : plan.steps) {
    const auto* op = std::get_if<OpStep>(&step);
    bool all = op != nullptr, any = false;
    std::int64_t cost = 0;
    for_each_input(step, [&](const std::string& name) {
      any = true;
      all = all && fixed.contains(name);
    });
    for (const std::string& name : outputs(step)) {
      const auto b = bytes(name);
      all = all && b >= 0 && !results.contains(name);
      if (op != nullptr && !is_view(*op)) cost += std::max<std::int64_t>(0, b);
    }
    if (!all || !any || cost > budget) {
      rest.push_back(std::move(step));
      continue;
    }
    budget -= cost;
    for (const std::string& name : outputs(step)) fixed.insert(name);
    plan.prepare.push_back(std::move(step));
  }
  plan.steps = std::move(rest);
  return plan;
}

}  // namespace burnish::compiler
