#include "cli/chosen.h"

namespace burnish {

Result<ProblemView> choose_problem(Store& store, const std::string& run, const std::string& name) {
  TRY(record, store.run(run));
  (void)record;
  TRY(views, view_run(store, run));
  std::vector<const ProblemView*> found;
  for (const auto& view : views)
    if (view.problem.name == name) return view;
  for (const auto& view : views)
    if (view.problem.name.find(name) != std::string::npos) found.push_back(&view);
  if (found.size() == 1) return *found.front();
  std::string names;
  for (std::size_t i = 0; i < views.size() && i < 8; ++i) names += (i ? ", " : "") + views[i].problem.name;
  if (views.size() > 8) names += ", ...";
  if (views.empty()) return fail("the run has no problems", run);
  if (name.empty()) return fail("the run has several problems", run, "name one: " + names);
  return fail(found.empty() ? "the run has no problem \"" + name + "\"" : "several problems match \"" + name + "\"",
              run, "its problems: " + names);
}

Result<AttemptRecord> choose_attempt(const ProblemView& view, const std::string& text) {
  if (text.empty()) {
    const auto& o = view.problem.outcome;
    const AttemptRecord* best = nullptr;
    double low = 0;
    for (const auto& attempt : view.attempts) {
      if (o.is_object() && o.value("winner", json()) == attempt.agent && o.value("number", json()) == attempt.number)
        return attempt;
      for (const auto& e : view.evaluations) {
        if (e.attempt != attempt.id || !e.verdict.accepted()) continue;
        const double l = e.verdict.interval ? e.verdict.interval->first : 0;
        if (!best || l > low) best = &attempt, low = l;
      }
    }
    if (best) return *best;
    return fail("no candidate of this problem was accepted", view.problem.name, "name an attempt, such as compiler:1");
  }
  const auto colon = text.rfind(':');
  const auto agent = text.substr(0, colon);
  for (const auto& attempt : view.attempts) {
    if (attempt.agent != agent) continue;
    if (colon == std::string::npos) {
      const auto* best = view.best_of(agent);
      if (!best || best->attempt == attempt.id) return attempt;
    } else if (std::to_string(attempt.number) == text.substr(colon + 1)) {
      return attempt;
    }
  }
  std::string names;
  for (const auto& attempt : view.attempts)
    names += (names.empty() ? "" : ", ") + attempt.agent + ":" + std::to_string(attempt.number);
  return fail("there is no attempt \"" + text + "\"", view.problem.name,
              names.empty() ? "none was made" : "attempts: " + names);
}

}  // namespace burnish
