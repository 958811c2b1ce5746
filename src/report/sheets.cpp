#include "report/sheets.h"

#include <algorithm>

#include "report/by_problem.h"

namespace burnish {
namespace {

/// "all", then each level where there are several.
std::vector<std::string> groups(const Study& study) {
  std::vector<std::string> all = {"all"};
  if (study.levels.size() > 1) all.insert(all.end(), study.levels.begin(), study.levels.end());
  return all;
}

bool in_group(const Trial& trial, const std::string& group) {
  return group == "all" || trial.level == group;
}

/// Calls `each(trial, cell)` for the cells of a model in a group of problems.
template <class Each>
void each_cell(const Study& study, const std::string& model, const std::string& group, Each each) {
  for (const auto& trial : study.trials)
    if (in_group(trial, group))
      for (const auto& cell : trial.cells)
        if (cell.parts.model == model) each(trial, cell);
}

/// The best that the cells which pass `keep` deliver on a trial.
template <class Keep>
double best(const Trial& trial, Keep keep) {
  double speedup = 1;
  for (const auto& cell : trial.cells)
    if (keep(cell)) speedup = std::max(speedup, cell.speedup);
  return speedup;
}

auto of_model(const std::string& model) {
  return [model](const Cell& cell) { return cell.parts.model == model; };
}

std::size_t count_of(const Study& study, const std::string& group) {
  return static_cast<std::size_t>(
      std::ranges::count_if(study.trials, [&](const Trial& t) { return in_group(t, group); }));
}

/// Numbers of attempts worth a column: the first five, then some, and the last.
std::vector<int> attempt_columns(const Study& study) {
  int last = 1;
  for (const auto& trial : study.trials)
    for (const auto& cell : trial.cells) last = std::max(last, cell.attempts);
  std::vector<int> columns;
  for (const int n : {1, 2, 3, 4, 5, 7, 10, 15, 20, 50, 100, 200, 500, 1000})
    if (n < last) columns.push_back(n);
  columns.push_back(last);
  return columns;
}

json logarithm_of_speedup(const Study& study, const std::string& group, const auto& speedup) {
  ByProblem logs;
  for (const auto& trial : study.trials)
    if (in_group(trial, group) && trial.averaged) logs.add(trial.problem, std::log(speedup(trial)));
  return logs.geometric();
}

}  // namespace

namespace sheets {

Sheet success(const Study& study) {
  Sheet sheet{"success", "Solved by attempt",
              "share of problems with a correct candidate within so many attempts, mean over contexts"};
  const auto columns = attempt_columns(study);
  sheet.columns = {{"model"}, {"level"}, {"tries", Kind::count}};
  for (const int n : columns) sheet.columns.push_back({std::to_string(n), Kind::share, true});
  for (const auto& model : study.models) {
    for (const auto& group : groups(study)) {
      std::vector<ByProblem> solved(columns.size());
      std::size_t cells = 0;
      each_cell(study, model, group, [&](const Trial& trial, const Cell& cell) {
        ++cells;
        for (std::size_t i = 0; i < columns.size(); ++i)
          solved[i].add(trial.problem, std::ranges::any_of(cell.accepted, [&](int n) { return n <= columns[i]; }));
      });
      std::vector<json> row = {model, group, cells};
      for (const auto& s : solved) row.push_back(s.mean());
      sheet.rows.push_back(std::move(row));
    }
  }
  return sheet;
}

Sheet outcomes(const Study& study) {
  Sheet sheet{"outcomes", "Outcomes", "by each agent's best candidate; tries are problems times contexts"};
  sheet.columns = {{"model"},
                   {"level"},
                   {"tries", Kind::count},
                   {"correct and faster", Kind::share, true},
                   {"correct but slower", Kind::share, true},
                   {"incorrect", Kind::share, true}};
  for (const auto& model : study.models) {
    for (const auto& group : groups(study)) {
      ByProblem faster, slower, incorrect;
      std::size_t cells = 0;
      each_cell(study, model, group, [&](const Trial& trial, const Cell& cell) {
        ++cells;
        faster.add(trial.problem, cell.faster);
        slower.add(trial.problem, cell.correct() && !cell.faster);
        incorrect.add(trial.problem, !cell.correct());
      });
      sheet.rows.push_back({model, group, cells, faster.mean(), slower.mean(), incorrect.mean()});
    }
  }
  return sheet;
}

Sheet speedups(const Study& study) {
  Sheet sheet{"speedups", "Speedup over eager", "geometric mean, at least 1, of the best over contexts"};
  sheet.columns = {{"model"}, {"level"}, {"problems", Kind::count}, {"geomean", Kind::speedup, true}};
  for (const auto& group : groups(study)) {
    for (const auto& model : study.models)
      sheet.rows.push_back(
          {model, group, count_of(study, group),
           logarithm_of_speedup(study, group, [&](const Trial& t) { return best(t, of_model(model)); })});
    sheet.rows.push_back({"the swarm", group, count_of(study, group),
                          logarithm_of_speedup(study, group, [](const Trial& t) { return t.speedup; })});
  }
  return sheet;
}

Sheet best_models(const Study& study) {
  Sheet sheet{"best_model", "Which was best",
              "whose candidate the final judgement kept; original: nothing was faster beyond doubt"};
  sheet.columns = {{"model"}, {"level"}, {"problems", Kind::count}, {"best on", Kind::share, true}};
  auto names = study.models;
  names.push_back("original");
  for (const auto& group : groups(study)) {
    for (const auto& name : names) {
      ByProblem share;
      for (const auto& trial : study.trials) {
        if (!in_group(trial, group)) continue;
        const auto parts = study.parts.find(trial.winner);
        share.add(trial.problem, (parts == study.parts.end() ? "original" : parts->second.model) == name);
      }
      sheet.rows.push_back({name, group, count_of(study, group), share.mean()});
    }
  }
  return sheet;
}

Sheet swarm(const Study& study) {
  Sheet sheet{"swarm", "The swarm against the best single model",
              "the single model is the one with the highest geometric mean of that level"};
  sheet.columns = {{"level"},
                   {"problems", Kind::count},
                   {"swarm", Kind::speedup, true},
                   {"best single"},
                   {"its geomean", Kind::speedup, true},
                   {"ratio", Kind::speedup, true}};
  for (const auto& group : groups(study)) {
    std::string single;
    json its = nullptr;
    for (const auto& model : study.models) {
      const auto mean = logarithm_of_speedup(study, group, [&](const Trial& t) { return best(t, of_model(model)); });
      if (mean.is_null() || (!its.is_null() && mean["value"] <= its["value"])) continue;
      single = model;
      its = mean;
    }
    sheet.rows.push_back(
        {group, count_of(study, group), logarithm_of_speedup(study, group, [](const Trial& t) { return t.speedup; }),
         single.empty() ? json(nullptr) : json(single), its,
         logarithm_of_speedup(study, group, [&](const Trial& t) { return t.speedup / best(t, of_model(single)); })});
  }
  return sheet;
}

Sheet best_contexts(const Study& study) {
  Sheet sheet{"best_context", "Which context was best",
              "of the language models alone; none: no model beat the original"};
  sheet.columns = {{"context"}, {"level"}, {"problems", Kind::count}, {"best on", Kind::share, true}};
  auto names = study.contexts;
  if (!names.empty()) names.push_back("none");
  for (const auto& group : groups(study)) {
    for (const auto& name : names) {
      ByProblem share;
      for (const auto& trial : study.trials) {
        if (!in_group(trial, group)) continue;
        const Cell* top = nullptr;
        for (const auto& cell : trial.cells)
          if (!cell.parts.built_in && cell.faster && (!top || cell.speedup > top->speedup)) top = &cell;
        share.add(trial.problem, (top ? top->parts.context : "none") == name);
      }
      sheet.rows.push_back({name, group, count_of(study, group), share.mean()});
    }
  }
  return sheet;
}

Sheet distribution(const Study& study) {
  Sheet sheet{"distribution", "Distribution of speedups",
              "floored at 1, best over contexts; trivial problems left out"};
  sheet.columns = {{"model"},
                   {"problems", Kind::count},
                   {"median", Kind::speedup},
                   {"upper quartile", Kind::speedup},
                   {"largest", Kind::speedup},
                   {"geomean", Kind::speedup},
                   {"above 1", Kind::count},
                   {"above 2", Kind::count},
                   {"above 10", Kind::count},
                   {"above 100", Kind::count}};
  const auto row = [&](const std::string& name, const auto& speedup) {
    std::vector<double> values;
    for (const auto& trial : study.trials)
      if (trial.averaged) values.push_back(speedup(trial));
    if (values.empty()) return;
    std::ranges::sort(values);
    const auto above = [&](double x) { return std::ranges::count_if(values, [&](double v) { return v > x; }); };
    sheet.rows.push_back({name, values.size(), quantile(values, 0.5), quantile(values, 0.75), values.back(),
                          *geometric_mean(values), above(1), above(2), above(10), above(100)});
  };
  for (const auto& model : study.models) row(model, [&](const Trial& t) { return best(t, of_model(model)); });
  row("the swarm", [](const Trial& t) { return t.speedup; });
  return sheet;
}

Sheet fast_p(const Study& study) {
  Sheet sheet{"fast_p", "fast_p",
              "share of problems that are correct and more than p times as fast, unfloored; p = 0: correct"};
  const std::vector<double> curve = {0, 0.5, 0.8, 1, 1.5, 2, 3, 5, 10};
  sheet.columns = {{"model"}, {"level"}};
  for (const double p : curve) {
    auto name = std::to_string(p);
    name.erase(name.find_last_not_of('0') + 1);
    if (name.back() == '.') name.pop_back();
    sheet.columns.push_back({name, Kind::share, true});
  }
  for (const auto& model : study.models) {
    for (const auto& group : groups(study)) {
      std::vector<ByProblem> share(curve.size());
      each_cell(study, model, group, [&](const Trial& trial, const Cell& cell) {
        for (std::size_t i = 0; i < curve.size(); ++i)
          share[i].add(trial.problem, cell.correct() && (curve[i] == 0 || cell.unfloored > curve[i]));
      });
      std::vector<json> row = {model, group};
      for (const auto& s : share) row.push_back(s.mean());
      sheet.rows.push_back(std::move(row));
    }
  }
  return sheet;
}

Sheet marginal(const Study& study) {
  Sheet sheet{"marginal", "What the swarm loses without",
              "geometric mean of the best of all agents, and of all but these; loss is their ratio"};
  sheet.columns = {{"without"}, {"kind"}, {"geomean", Kind::speedup, true}, {"loss", Kind::speedup, true}};
  const auto all = [](const Trial& t) { return best(t, [](const Cell&) { return true; }); };
  const auto row = [&](const std::string& name, const char* kind, const auto& keep) {
    const auto without = [&](const Trial& t) { return best(t, keep); };
    sheet.rows.push_back({name, kind, logarithm_of_speedup(study, "all", without),
                          logarithm_of_speedup(study, "all", [&](const Trial& t) { return all(t) / without(t); })});
  };
  row("nothing", "", [](const Cell&) { return true; });
  for (const auto& model : study.models) row(model, "model", [&](const Cell& c) { return c.parts.model != model; });
  for (const auto& context : study.contexts)
    row(context, "context", [&](const Cell& c) { return c.parts.built_in || c.parts.context != context; });
  return sheet;
}

Sheet costs(const Study& study) {
  Sheet sheet{
      "cost", "Cost",
      "a win: a problem and context with a candidate that is faster beyond doubt; prices are those of models.toml"};
  sheet.columns = {{"model"},
                   {"calls", Kind::count},
                   {"failed", Kind::count},
                   {"tokens in", Kind::count},
                   {"tokens out", Kind::count},
                   {"cost", Kind::usd},
                   {"wins", Kind::count},
                   {"cost a win", Kind::usd},
                   {"tokens a win", Kind::count},
                   {"tokens estimated", Kind::share}};
  for (const auto& model : study.models) {
    CallSum sum;
    for (const auto& [agent, part] : study.calls) {
      const auto parts = study.parts.find(agent);
      if (parts == study.parts.end() || parts->second.model != model) continue;
      sum += part;
    }
    if (sum.calls == 0) continue;
    int wins = 0;
    each_cell(study, model, "all", [&](const Trial&, const Cell& cell) { wins += cell.faster; });
    const auto a_win = [&](double total) { return wins > 0 ? json(total / wins) : json(nullptr); };
    sheet.rows.push_back({model, sum.calls, sum.failed, sum.tokens_in, sum.tokens_out, sum.usd, wins, a_win(sum.usd),
                          a_win(static_cast<double>(sum.tokens_in + sum.tokens_out)),
                          static_cast<double>(sum.estimated) / static_cast<double>(sum.calls)});
  }
  return sheet;
}

Sheet strategies(const Study& study) {
  Sheet sheet{"strategies", "Strategies", "attempts by the strategy that asked for them"};
  sheet.columns = {{"strategy"}, {"attempts", Kind::count}, {"correct", Kind::count}, {"faster", Kind::count}};
  for (const auto& [name, worth] : study.strategies)
    sheet.rows.push_back({name, worth.attempts, worth.accepted, worth.wins});
  return sheet;
}

Sheet named(const Study& study) {
  Sheet sheet{"named", "Problems apart",
              "trivial: the output hardly depends on the input; saturated: so on the generator's inputs; excluded: "
              "could not be judged"};
  sheet.columns = {{"problem"}, {"what"}, {"reason"}};
  for (const auto& [name, level] : study.trivial) sheet.rows.push_back({name, "trivial", nullptr});
  for (const auto& [name, level] : study.saturated) sheet.rows.push_back({name, "saturated", nullptr});
  for (const auto& [name, reason] : study.excluded) sheet.rows.push_back({name, "excluded", reason});
  for (const auto& name : study.open) sheet.rows.push_back({name, "not finished", nullptr});
  return sheet;
}

}  // namespace sheets

std::vector<Sheet> sheets_of(const Study& study) {
  using namespace sheets;
  std::vector<Sheet> all;
  for (const auto make : {success, outcomes, speedups, best_models, swarm, best_contexts, distribution, fast_p,
                          marginal, costs, strategies, named}) {
    auto sheet = make(study);
    if (!sheet.rows.empty()) all.push_back(std::move(sheet));
  }
  return all;
}

}  // namespace burnish
