#include "compiler/graph.h"

#include <algorithm>

#include "compiler/fuse/group.h"

namespace burnish::compiler {
namespace {

struct Work {
  std::int64_t launches = 0;
  bool chooses = false;
};

const Function* function_named(const Plan& plan, const std::string& name) {
  const auto found = std::ranges::find(plan.functions, name, [](const auto& f) { return f.first; });
  return found == plan.functions.end() ? nullptr : &found->second;
}

std::int64_t iterations(const CallStep& call) {
  if (call.loop.empty()) return 1;
  const auto *begin = call.begin.constant(), *end = call.end.constant();
  return begin && end ? std::max<std::int64_t>(*end - *begin, 0) : 1;
}

/// What the steps start on a GPU, at least: an operator may be several kernels.
Work work_of(const Plan& plan, const std::vector<Step>& steps) {
  Work work;
  for (const Step& step : steps) {
    if (std::holds_alternative<ChoiceStep>(step)) work.chooses = true;
    if (std::holds_alternative<LaunchStep>(step)) ++work.launches;
    if (const auto* op = std::get_if<OpStep>(&step)) work.launches += is_view(*op) ? 0 : 1;
    if (const auto* made = std::get_if<AllocateStep>(&step)) work.launches += made->zero ? 1 : 0;
    const auto* call = std::get_if<CallStep>(&step);
    const Function* body = call ? function_named(plan, call->function) : nullptr;
    if (body == nullptr) continue;
    const Work once = work_of(plan, body->steps);
    work.launches += once.launches * iterations(*call);
    work.chooses |= once.chooses;
  }
  return work;
}

std::int64_t names_in(const json& result) {
  if (result.is_string()) return 1;
  std::int64_t names = 0;
  if (result.is_structured())
    for (const auto& part : result) names += names_in(part);
  return names;
}

}  // namespace

Result<Plan> ask_for_graph(Plan plan, Context& context) {
  if (!context.options.graph || plan.target != "cuda") return plan;
  const auto inputs =
      std::ranges::count_if(plan.inputs, [](const Input& i) { return std::holds_alternative<InputTensor>(i); });
  const Work work = work_of(plan, plan.steps);
  plan.graph = !work.chooses && work.launches > 1 + inputs + names_in(plan.result);
  return plan;
}

}  // namespace burnish::compiler
