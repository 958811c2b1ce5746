#include "compiler/pipeline.h"

#include <algorithm>
#include <chrono>

#include "compiler/fuse/fuse.h"
#include "compiler/languages.h"
#include "compiler/library.h"
#include "compiler/rules.h"
#include "compiler/templates/templates.h"
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
      {"library", use_library},
      {"fuse", fuse},
  };
  return passes;
}

Result<CompiledCandidate> compile_plan(Plan plan, const Options& options, bool log_passes) {
  (void)log_passes;
  Context context(options);
  read_types(plan, context);
  CompiledCandidate made;
  for (const auto& [name, run] : pipeline()) {
    if (!context.is_on(std::string(name))) continue;
    const auto start = std::chrono::steady_clock::now();
    auto next = run(std::move(plan), context);
    if (!next) return inside(name, next.error());
    plan = std::move(*next);
    if (auto ok = check(plan); !ok) return inside(name, ok.error());
    made.log.push_back({std::string(name),
                        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(),
                        nullptr});
  }
  if (plan.notes.is_object()) plan.notes.erase("meta");
  for (auto& [file, text] : context.sources)
    if (!text.empty()) made.sources[file] = std::string(vector_math()) + text;
  made.plan = std::move(plan);
  made.fired = context.fired;
  return made;
}

std::vector<CompiledCandidate> compile_candidates(const Plan& plan, const Machine& machine, RuleClass rules) {
  struct Variant {
    std::string name;
    Options options;
  };
  Options all;
  all.machine = machine;
  all.rules = rules;
  std::vector<Variant> variants{{"compiler", all}};
  Options channels_last = all;
  channels_last.channels_last = true;
  variants.push_back({"compiler, channels last", channels_last});
  Options own = all;
  own.library = false;
  variants.push_back({"compiler, no library calls", own});
  Options careful = all;
  careful.rules = RuleClass::same;
  variants.push_back({"compiler, rounding as in eager", careful});

  std::vector<CompiledCandidate> made;
  for (const Variant& v : variants) {
    auto candidate = compile_plan(plan, v.options);
    if (!candidate) continue;
    candidate->name = v.name;
    const auto same = [&](const CompiledCandidate& other) {
      return other.sources == candidate->sources && print_plan(other.plan) == print_plan(candidate->plan);
    };
    if (std::ranges::none_of(made, same)) made.push_back(std::move(*candidate));
  }
  return made;
}

}  // namespace burnish::compiler
