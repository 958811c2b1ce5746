#include "agents/compiler.h"

#include <algorithm>

#include "compiler/languages.h"
#include "compiler/pipeline.h"
#include "plan/parse.h"
#include "plan/print.h"
#include "targets/cpu/describe.h"
#include "targets/cuda/describe.h"
#include "targets/metal/estimate.h"

namespace burnish {
namespace {

compiler::Machine machine_here() {
  const cpu::Device device = cpu::describe();
  compiler::Machine machine;
  machine.threads = device.cores;
  machine.vector_bytes = device.vector_bytes;
  if (device.l1_bytes > 0) machine.l1_bytes = device.l1_bytes;
  if (device.l2_bytes > 0) machine.l2_bytes = device.l2_bytes;
  return machine;
}

/// `--rules`, which the command has checked.
compiler::RuleClass rules_of(const json& options) {
  const std::string word = options.is_object() ? options.value("rules", "all") : "all";
  return compiler::rules_named(word).value_or(compiler::RuleClass::changes);
}

class CompilerAgent : public Agent {
 public:
  std::string name() const override { return "compiler"; }

  Result<std::optional<Proposal>> propose(const Task& task, std::span<const PastAttempt> history) override {
    const auto* language = compiler::language_of(task.target);
    if (task.plan.empty() || language == nullptr) return std::nullopt;
    const bool refused = std::ranges::any_of(history, [](const PastAttempt& a) { return !a.verdict.accepted(); });
    if (candidates_.empty()) {
      TRY(plan, load_plan(task.plan));
      const auto rules = rules_of(task.options);
      candidates_ = compiler::compile_candidates(plan, machine_of(task.target), rules, *language);
      careful_ = compiler::compile_carefully(plan, machine_of(task.target), rules, *language);
      if (candidates_.empty() && careful_.empty())
        return fail("the compiler made nothing of this plan", task.problem, "report this as a bug of the compiler");
    }
    // After a refusal the careful variants follow; without one they would only repeat what was accepted.
    const std::size_t at = history.size();
    if (at < candidates_.size()) return proposal(candidates_[at]);
    if (refused && at - candidates_.size() < careful_.size()) return proposal(careful_[at - candidates_.size()]);
    return std::nullopt;
  }

 private:
  static Proposal proposal(const compiler::CompiledCandidate& candidate) {
    Proposal made{candidate.name, Form::plan, candidate.sources, json::object()};
    made.files["plan.json"] = print_plan(candidate.plan);
    made.notes["rules"] = candidate.fired;
    return made;
  }

  std::vector<compiler::CompiledCandidate> candidates_, careful_;
};

}  // namespace

compiler::Machine machine_of(const std::string& target) {
  if (target == "cpu") return machine_here();
  compiler::Machine machine;
  machine.threads = metal::m4_max.cores;
  if (target != "cuda") return machine;
  const auto device = cuda::describe();
  machine.threads = device && device->multiprocessors > 0 ? device->multiprocessors : 132;
  if (device) machine.hopper = device->capability_major == 9;
  return machine;
}

std::unique_ptr<Agent> make_compiler() {
  return std::make_unique<CompilerAgent>();
}

}  // namespace burnish
