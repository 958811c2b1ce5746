#include "compiler/pipeline.h"

#include <chrono>

#include "compiler/fuse/fuse.h"
#include "compiler/languages.h"
#include "compiler/rules.h"
#include "plan/check.h"

namespace burnish::compiler {

const std::vector<Pass>& pipeline() {
  static const std::vector<Pass> passes = {
      {"rules", apply_rules},
      {"canonicalise", canonicalise},
      {"share equal steps", share_equal_steps},
      {"drop dead steps", drop_dead_steps},
      {"prepare", prepare_parameters},
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

}  // namespace burnish::compiler
