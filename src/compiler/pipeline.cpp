#include "compiler/pipeline.h"

#include <algorithm>
#include <chrono>

#include "compiler/epilogues.h"
#include "compiler/fuse/fuse.h"
#include "compiler/graph.h"
#include "compiler/languages.h"
#include "compiler/library.h"
#include "compiler/rules.h"
#include "compiler/templates/split_product.h"
#include "compiler/templates/templates.h"
#include "compiler/work.h"
#include "plan/check.h"
#include "plan/print.h"

namespace burnish::compiler {

const std::vector<Pass>& pipeline() {
  static const std::vector<Pass> passes = {
      {"rules", apply_rules},
      {"canonicalise", canonicalise},
      {"share equal steps", share_equal_steps},
      {"drop dead steps", drop_dead_steps},
      {"prepare", prepare_parameters},
      {"templates", use_templates},
      {"split products", use_split_products},
      {"epilogues", use_epilogues},
      {"library", use_library},
      {"fuse", fuse},
      {"graph", ask_for_graph},
  };
  return passes;
}

namespace {

/// Rows of numbers that rules wrote and no kernel took in.
void place_on(std::string_view device, std::vector<Step>& steps) {
  for (Step& step : steps) {
    auto* op = std::get_if<OpStep>(&step);
    if (op == nullptr || short_name(op->op) != "arange") continue;
    if (std::ranges::none_of(op->kwargs, [](const auto& k) { return k.first == "device"; }))
      op->kwargs.emplace_back("device", Arg{Arg::Literal{"device", std::string(device)}});
  }
}

}  // namespace

Result<CompiledCandidate> compile_plan(Plan plan, const Options& options, bool log_passes) {
  Context context(options);
  read_types(plan, context);
  plan.target = options.language->target;
  CompiledCandidate made;
  std::string before = log_passes ? describe_plan(plan) : std::string{};
  for (const auto& [name, run] : pipeline()) {
    if (!context.is_on(std::string(name))) continue;
    const auto start = std::chrono::steady_clock::now();
    auto next = run(std::move(plan), context);
    if (!next) return inside(name, next.error());
    plan = std::move(*next);
    if (auto ok = check(plan); !ok) return inside(name, ok.error());
    PassLog entry{std::string(name),
                  std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(),
                  {}};
    if (std::string after = log_passes ? describe_plan(plan) : std::string{}; after != before)
      entry.text = before = std::move(after);
    made.log.push_back(std::move(entry));
  }
  if (!options.language->device.empty())
    for (auto* steps : {&plan.steps, &plan.prepare}) place_on(options.language->device, *steps);
  if (!plan.notes.is_object()) plan.notes = json::object();
  plan.notes.erase("meta");
  plan.notes["work"] = describe_work(plan, context);
  for (auto& [file, text] : context.sources)
    if (!text.empty()) made.sources[file] = options.language->prelude() + text;
  made.plan = std::move(plan);
  made.fired = context.fired;
  return made;
}

namespace {

struct Variant {
  std::string_view name;
  Options options;
};

std::vector<CompiledCandidate> compile_variants(const Plan& plan, const std::vector<Variant>& variants) {
  std::vector<CompiledCandidate> made;
  for (const Variant& v : variants) {
    auto candidate = compile_plan(plan, v.options);
    if (!candidate) continue;  // one variant's failure is no reason to lose the others; tests hold that none fails
    candidate->name = std::string(v.name);
    const auto same = [&](const CompiledCandidate& other) {
      return other.sources == candidate->sources && print_plan(other.plan) == print_plan(candidate->plan);
    };
    if (std::ranges::none_of(made, same)) made.push_back(std::move(*candidate));
  }
  return made;
}

Options base_options(const Machine& machine, RuleClass rules, const Language& language) {
  Options options;
  options.machine = machine;
  options.rules = rules;
  return options_for(language, options);
}

}  // namespace

Options options_for(const Language& language, Options options) {
  options.language = &language;
  options.library = options.library && language.library;
  options.split_products = options.split_products && language.target == "cuda";
  return options;
}

std::vector<CompiledCandidate> compile_candidates(const Plan& plan, const Machine& machine, RuleClass rules,
                                                  const Language& language) {
  const Options all = base_options(machine, rules, language);
  if (!language.library) {  // on a GPU: as the rows ask, and with few or many threads to a row
    Options narrow = all, wide = all;
    narrow.machine.row_threads = 32;
    wide.machine.row_threads = 256;
    Options eager_products = all, fusion = all, graph = all;
    graph.graph = true;
    eager_products.split_products = false;
    eager_products.without.insert({"few columns", "batched product"});
    fusion.templates = fusion.split_products = false;
    return compile_variants(plan, {{"fused", all},
                                   {"fused+graph", graph},
                                   {language.narrow_rows, narrow},
                                   {"256 threads a row", wide},
                                   {"products as in eager", eager_products},
                                   {"no templates", fusion}});
  }
  Options channels_last = all, own = all;
  channels_last.channels_last = true;
  own.library = false;
  return compile_variants(plan, {{"fused", all}, {"channels last", channels_last}, {"no library calls", own}});
}

std::vector<CompiledCandidate> compile_carefully(const Plan& plan, const Machine& machine, RuleClass rules,
                                                 const Language& language) {
  const Options same = base_options(machine, std::min(rules, RuleClass::same), language);
  Options plain = same;
  plain.templates = plain.library = plain.split_products = false;
  return compile_variants(plan, {{"rounding as in eager", same}, {"fusion alone", plain}});
}

}  // namespace burnish::compiler
