#include "report/study.h"

#include <algorithm>
#include <set>

namespace burnish {
namespace {

void add_once(std::vector<std::string>& list, const std::string& name) {
  if (!name.empty() && std::ranges::find(list, name) == list.end()) list.push_back(name);
}

Cell cell_of(const ProblemView& view, const std::string& agent, const AgentParts& parts) {
  Cell cell{.agent = agent, .parts = parts};
  for (const auto& attempt : view.attempts) {
    if (attempt.agent != agent) continue;
    ++cell.attempts;
    if (const auto* e = view.evaluation(attempt.id, "search"); e && e->verdict.accepted())
      cell.accepted.push_back(attempt.number);
  }
  if (const auto* best = view.best_of(agent)) {
    cell.unfloored = best->verdict.speedup.value_or(0);
    cell.faster = best->verdict.wins();
    if (cell.faster) cell.speedup = std::max(1.0, cell.unfloored);
  }
  return cell;
}

class Gatherer {
 public:
  Gatherer(Study& study, const Describe& describe) : study_(study), describe_(describe) {}

  void add_agent(const std::string& agent) {
    if (study_.parts.contains(agent)) return;
    study_.agents.push_back(agent);
    study_.parts[agent] = describe_(agent);
  }

  void add(const ProblemView& view, const std::vector<std::string>& agents) {
    const auto& p = view.problem;
    count_strategies(view);
    if (p.state == "excluded") {
      study_.excluded[p.name] = p.reason;
      return;
    }
    if (p.state != "done") return add_once(study_.open, p.name);
    add_once(study_.levels, p.level);
    const auto& o = p.outcome;
    const bool trivial = is_trivial(o);
    if (trivial) study_.trivial[p.name] = p.level;
    if (flagged(o, "saturated")) study_.saturated[p.name] = p.level;
    const bool won = o.value("verdict", "") == "accepted";
    const auto speedup = o.value("speedup", json());
    Trial trial{p.name,
                p.level,
                won ? o.value("winner", "") : "original",
                won && speedup.is_number() ? std::max(1.0, speedup.get<double>()) : 1.0,
                !trivial,
                {}};
    for (const auto& agent : agents) trial.cells.push_back(cell_of(view, agent, study_.parts.at(agent)));
    study_.trials.push_back(std::move(trial));
  }

  void finish() {
    std::ranges::sort(study_.levels);
    for (const bool built_in : {false, true})
      for (const auto& agent : study_.agents)
        if (study_.parts[agent].built_in == built_in) add_once(study_.models, study_.parts[agent].model);
    for (const auto& agent : study_.agents)
      if (!study_.parts[agent].built_in) add_once(study_.contexts, study_.parts[agent].context);
  }

 private:
  void count_strategies(const ProblemView& view) {
    for (const auto& attempt : view.attempts) {
      auto& worth = study_.strategies[attempt.strategy];
      ++worth.attempts;
      const auto* e = view.evaluation(attempt.id, "search");
      worth.accepted += e && e->verdict.accepted();
      worth.wins += e && e->verdict.wins();
    }
  }

  Study& study_;
  const Describe& describe_;
};

}  // namespace

Result<Study> study_of(Store& store, const std::vector<RunView>& runs, const Describe& describe) {
  Study study;
  Gatherer gatherer(study, describe);
  for (const auto& [run, views] : runs) {
    // An agent of the run that never came to an attempt failed on every problem; it is not to be forgotten.
    std::vector<std::string> agents;
    if (run.options.contains("agents") && run.options["agents"].is_array())
      for (const auto& agent : run.options["agents"])
        if (agent.is_string()) add_once(agents, agent);
    for (const auto& view : views)
      for (const auto& attempt : view.attempts) add_once(agents, attempt.agent);
    for (const auto& agent : agents) gatherer.add_agent(agent);
    for (const auto& view : views) gatherer.add(view, agents);
    TRY(sums, store.call_sums(run.id));
    for (const auto& [agent, sum] : sums) study.calls[agent] += sum;
  }
  gatherer.finish();
  return study;
}

}  // namespace burnish
