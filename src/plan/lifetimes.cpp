#include "plan/lifetimes.h"

#include <unordered_map>
#include <unordered_set>

#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

Lifetimes lifetimes_of(const std::vector<Step>& prepare, const std::vector<Step>& steps,
                       const std::vector<std::string>& result) {
  std::unordered_set<std::string> used(result.begin(), result.end());
  for (const Step& step : steps)
    for (std::string& name : inputs_of(step)) used.insert(std::move(name));
  Lifetimes out;
  for (const Step& step : prepare)
    for (const std::string& name : outputs_of(step))
      if (used.contains(name)) out.prepared.push_back(name);
  out.prepare = releases(prepare, out.prepared);
  out.steps = releases(steps, result);
  return out;
}

}  // namespace

Releases releases(const std::vector<Step>& steps, const std::vector<std::string>& keep) {
  std::unordered_map<std::string, std::size_t> last;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    for (const std::string& name : inputs_of(steps[i]))
      if (const auto found = last.find(name); found != last.end()) found->second = i;
    for (const std::string& name : outputs_of(steps[i]))
      if (!name.empty()) last[name] = i;
  }
  for (const std::string& name : keep) last.erase(name);
  Releases out(steps.size());
  // In the order in which names were made, so that the lists do not depend on a hash.
  for (const Step& step : steps)
    for (const std::string& name : outputs_of(step))
      if (const auto found = last.find(name); found != last.end()) out[found->second].push_back(name);
  return out;
}

Lifetimes lifetimes(const Plan& plan) {
  return lifetimes_of(plan.prepare, plan.steps, result_names(plan.result));
}

Lifetimes lifetimes(const Function& function) {
  return lifetimes_of(function.prepare, function.steps, function.result);
}

}  // namespace burnish
