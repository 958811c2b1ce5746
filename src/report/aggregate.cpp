#include "report/aggregate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "report/statistics.h"

namespace burnish {
namespace {

json number(std::optional<double> value) {
  return value ? json(*value) : json(nullptr);
}

/// Speedups over one set of problems.
class Figures {
 public:
  void count_problem() { ++problems_; }
  void add(bool correct, bool faster, double unfloored, bool averaged) {
    correct_ += correct;
    faster_ += faster;
    if (!averaged) return;
    unfloored_.push_back(unfloored);
    // A candidate is delivered only where it won: else the original stays, which is 1.
    floored_.push_back(faster ? std::max(1.0, unfloored) : 1.0);
  }

  json to_json() const {
    std::vector<double> logs;
    for (const double value : floored_) logs.push_back(std::log(value));
    const auto interval = bootstrap_mean(logs);
    return {
        {"problems", problems_},
        {"correct", correct_},
        {"faster", faster_},
        {"averaged", floored_.size()},
        {"geomean", number(geometric_mean(floored_))},
        {"geomean_interval", interval ? json({std::exp(interval->first), std::exp(interval->second)}) : json(nullptr)},
        {"median", number(median(floored_))},
        {"geomean_unfloored", number(geometric_mean(unfloored_))},
        {"median_unfloored", number(median(unfloored_))}};
  }

 private:
  int problems_ = 0, correct_ = 0, faster_ = 0;
  std::vector<double> floored_, unfloored_;
};

double speedup_or_one(const json& value) {
  return value.is_number() && value.get<double>() > 0 ? value.get<double>() : 1.0;
}

}  // namespace

bool flagged(const json& outcome, const char* key) {
  return outcome.is_object() && outcome.value(key, json(false)) == true;
}

bool is_trivial(const json& outcome) {
  return flagged(outcome, "trivial") || outcome.value("reason", json()) == "trivial";
}

const EvaluationRecord* ProblemView::evaluation(std::int64_t attempt, const std::string& stage) const {
  for (const auto& e : evaluations)
    if (e.attempt == attempt && e.stage == stage) return &e;
  return nullptr;
}

const EvaluationRecord* ProblemView::best_of(const std::string& agent) const {
  const EvaluationRecord* best = nullptr;
  const auto rank = [](const EvaluationRecord& e) {
    const double low = e.verdict.interval ? e.verdict.interval->first : 0.0;
    return std::pair(e.stage == "search" ? 0 : 1, low);
  };
  for (const auto& attempt : attempts) {
    if (attempt.agent != agent) continue;
    for (const auto& e : evaluations)
      if (e.attempt == attempt.id && e.verdict.accepted() && (!best || rank(e) > rank(*best))) best = &e;
  }
  return best;
}

Result<std::vector<ProblemView>> view_run(Store& store, const std::string& run) {
  TRY(problems, store.problems(run));
  std::vector<ProblemView> views;
  for (auto& problem : problems) {
    TRY(attempts, store.attempts(problem.id));
    TRY(evaluations, store.evaluations(problem.id));
    views.push_back({std::move(problem), std::move(attempts), std::move(evaluations)});
  }
  return views;
}

Result<RunView> whole_run(Store& store, const std::string& id) {
  TRY(run, store.run(id));
  TRY(views, view_run(store, id));
  return RunView{std::move(run), std::move(views)};
}

std::vector<ProblemView> one_table(const std::vector<RunView>& runs) {
  std::vector<ProblemView> all;
  const auto open = [](const ProblemView& view) { return view.problem.state == "open"; };
  for (const auto& run : runs) {
    for (const auto& view : run.views) {
      const auto same = [&](const ProblemView& other) {
        return other.problem.name == view.problem.name && other.problem.level == view.problem.level;
      };
      if (const auto before = std::ranges::find_if(all, same); before == all.end())
        all.push_back(view);
      else if (open(*before) && !open(view))
        *before = view;
    }
  }
  return all;
}

json aggregate(const std::vector<ProblemView>& views) {
  Figures all;
  std::map<std::string, Figures> levels, agents;
  std::set<std::string> names;
  std::vector<double> aa;
  json excluded = json::array(), trivial = json::array(), saturated = json::array(), open = json::array();
  for (const auto& view : views)
    for (const auto& attempt : view.attempts) names.insert(attempt.agent);
  for (const auto& view : views) {
    const auto& problem = view.problem;
    all.count_problem();
    auto& level = levels[problem.level];
    level.count_problem();
    if (problem.state == "excluded") {
      excluded.push_back({{"problem", problem.name}, {"reason", problem.reason}, {"detail", problem.outcome}});
      continue;
    }
    if (problem.state != "done") {
      open.push_back(problem.name);
      continue;
    }
    const auto& outcome = problem.outcome;
    const bool hardly_varies = is_trivial(outcome);
    if (hardly_varies) trivial.push_back(problem.name);
    if (flagged(outcome, "saturated")) saturated.push_back(problem.name);
    const bool faster = outcome.value("verdict", "") == "accepted";
    const double unfloored = speedup_or_one(outcome.value("unfloored", json(nullptr)));
    for (auto* figures : {&all, &level}) figures->add(flagged(outcome, "correct"), faster, unfloored, !hardly_varies);
    for (const auto& name : names) {
      const auto* best = view.best_of(name);
      agents[name].count_problem();
      agents[name].add(best != nullptr, best && best->verdict.wins(), best ? best->verdict.speedup.value_or(1.0) : 1.0,
                       !hardly_varies);
    }
    if (const auto* self = view.evaluation(0, "search"); self && self->verdict.speedup && *self->verdict.speedup > 0)
      aa.push_back(*self->verdict.speedup);
  }
  json result = all.to_json();
  result["excluded"] = excluded;
  result["trivial"] = trivial;
  result["saturated"] = saturated;
  result["open"] = open;
  for (const auto& [name, figures] : agents) result["agents"][name] = figures.to_json();
  for (const auto& [name, figures] : levels) result["levels"][name] = figures.to_json();
  for (const char* key : {"agents", "levels"})
    if (!result.contains(key)) result[key] = json::object();
  result["aa"] = number(geometric_mean(aa));
  result["aa_problems"] = aa.size();
  return result;
}

}  // namespace burnish
