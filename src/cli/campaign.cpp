#include "cli/campaign.h"

#include <algorithm>

#include "base/files.h"
#include "base/interrupt.h"
#include "cli/output.h"

namespace burnish {
namespace {

Result<ProblemSpec> spec_of(const ProblemRecord& problem) try {
  const auto& s = problem.spec;
  return ProblemSpec{s.at("file"), s.at("class"), s.at("inputs_from"), problem.name, problem.level};
} catch (const json::exception& error) {
  return fail(std::string("the store's problem cannot be read: ") + error.what(), problem.name);
}

/// Runs one problem to its end. True: interrupted.
Result<bool> run_problem(Workshop& workshop, const Campaign& job, const SearchFlags& search, bool as_json,
                         const ProblemRecord& problem) {
  TRY(spec, spec_of(problem));
  TRY(agents, workshop.agents(search, job.choices, problem));
  TRY(judge, workshop.judge(job.run.id, problem.name));
  auto options = search.read(workshop.judging, job.choices);
  options.measure_aa = job.measure_aa;
  options.held_out.whole_run = job.measured;
  auto outcome = optimize_problem(workshop.swarm(*judge), problem, spec, std::move(agents), options);
  if (!outcome && outcome.error().reason == interrupted_reason) return true;
  if (outcome && search.dry_run) return false;
  json line = {{"event", "problem"}, {"problem", problem.name}, {"level", problem.level}};
  if (outcome) {
    line.update(outcome->summary);
    if (outcome->winner && !job.out.empty()) {
      const auto folder = std::filesystem::path(job.out) / file_name(problem.name);
      if (auto ok = deploy(*workshop.store, job.run, problem, *outcome, *workshop.builder, folder); !ok)
        return std::unexpected(ok.error());
      line["dir"] = std::filesystem::absolute(folder).string();
    }
  } else {
    // Whether the store took the exclusion decides: a store that fails is the run's end, a problem that fails is not.
    TRY(now, workshop.store->problems(job.run.id));
    for (const auto& other : now)
      if (other.id == problem.id && other.state != "excluded") return std::unexpected(outcome.error());
    line.update({{"verdict", "excluded"}, {"reason", outcome.error().reason}, {"what", to_text(outcome.error())}});
  }
  if (as_json) print_json(line);
  return false;
}

}  // namespace

Status add_problems(Store& store, const std::string& run, const std::vector<ProblemSpec>& specs) {
  for (const auto& spec : specs) {
    auto added =
        store.add_problem(run, spec.name, spec.level, {{"file", spec.file}, {"class", ""}, {"inputs_from", ""}});
    if (!added) return std::unexpected(added.error());
  }
  return {};
}

Result<bool> run_problems(Workshop& workshop, const Campaign& campaign, const SearchFlags& search, bool as_json) {
  auto& store = *workshop.store;
  TRY(problems, store.problems(campaign.run.id));
  int index = 0;
  for (const auto& problem : problems) {
    ++index;
    if (problem.state != "open") continue;
    workshop.watcher->on(events::ProblemStarted{problem.name, index, static_cast<int>(problems.size())});
    TRY(stopped, run_problem(workshop, campaign, search, as_json, problem));
    if (stopped || interrupted()) return true;
  }
  if (search.dry_run) {
    if (auto ok = store.remove_run(campaign.run.id); !ok) return std::unexpected(ok.error());
    return false;
  }
  TRY(after, store.problems(campaign.run.id));
  const auto open = std::ranges::count(after, "open", &ProblemRecord::state);
  if (open > 0) {  // agents that wait for answers have attempts left there
    std::fprintf(stderr, "%td problems wait for answers: burnish requests %s\n", open, campaign.run.id.c_str());
  } else if (auto ok = store.finish_run(campaign.run.id); !ok) {
    return std::unexpected(ok.error());
  }
  return false;
}

AgentParts describe_agent(const std::string& agent) {
  const auto built_in = std::ranges::any_of(agent_rows(), [&](const AgentRow& row) { return agent == row.name; });
  const auto [model, context] = split_context(agent);
  return {model, built_in ? "" : context, built_in};
}

}  // namespace burnish
