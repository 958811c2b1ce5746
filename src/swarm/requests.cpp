#include "swarm/requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "agents/language_model.h"
#include "base/files.h"
#include "base/hash.h"
#include "swarm/choices.h"
#include "swarm/ledger.h"
#include "swarm/memory.h"
#include "swarm/proposals.h"
#include "swarm/strategy.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

/// Readable, and unique by a hash: cut names may be equal.
std::string request_id(const RunRecord& run, const ProblemRecord& problem, const std::string& agent, int number) {
  const auto hash = hash_hex(run.id + "\n" + problem.name + "\n" + agent + "\n" + std::to_string(number));
  return fmt::format("{}-{}-{}-{}", file_name(problem.name, "-_", 28), file_name(agent, "-_", 18), number,
                     hash.substr(0, 10));
}

/// The task as the agent would have been given it, its plan written to `folder`.
Result<Task> task_of(const Store& store, const RunRecord& run, const ProblemRecord& problem, const fs::path& folder) {
  const json judging = run.options.value("judging", json::object());
  Task task{problem.name, judging.value("target", "cpu"), "", {}, problem.opened, judging};
  for (const auto& [name, artifact] : problem.files) {
    TRY(text, store.artifacts().get(artifact));
    if (name == "problem.py") {
      task.source = std::move(text);
      continue;
    }
    if (auto ok = write_file(folder / name, text); !ok) return std::unexpected(ok.error());
    task.plan = folder;
  }
  return task;
}

/// The judged attempts of an agent, in order; nothing where one still waits for the judge.
Result<std::optional<std::vector<PastAttempt>>> history_of(Store& store, const ProblemRecord& problem,
                                                           const std::string& agent) {
  TRY(attempts, store.attempts(problem.id));
  TRY(evaluations, store.evaluations(problem.id));
  std::vector<PastAttempt> history;
  for (const auto& attempt : attempts) {
    if (attempt.agent != agent) continue;
    const EvaluationRecord* search = nullptr;
    for (const auto& e : evaluations)
      if (e.attempt == attempt.id && e.stage == "search") search = &e;
    if (!search) return std::nullopt;
    TRY(proposal, recorded_proposal(store, attempt, companions_of(problem.files)));
    history.push_back({attempt.number, std::move(proposal), search->verdict});
  }
  return history;
}

/// What the run's strategy shows of other problems, as the supervisor shows it to agents that answer at once.
Result<std::vector<Example>> solved_for(Store& store, const ProblemRecord& problem, const Choices& choices,
                                        bool experiment, const fs::path& folder, const std::string& target) {
  TRY(strategy, make_strategy(choices.strategy));
  if (!strategy->wants_solved()) return std::vector<Example>{};
  const auto text = read_file(folder / "plan.json");
  const json plan = text ? json::parse(*text, nullptr, /*allow_exceptions=*/false) : json();
  return nearest_solved(store, problem, plan, target, {choices.held_out, experiment}, choices.recall);
}

}  // namespace

Result<std::vector<Request>> open_requests(Store& store, const RunRecord& run, const fs::path& scratch) {
  // `burnish eval` and `verify` have no agents: nothing is open there.
  if (!run.options.contains("agents")) return std::vector<Request>{};
  TRY(choices, choices_of(run.options));
  TRY(problems, store.problems(run.id));
  std::vector<Request> requests;
  for (const auto& problem : problems) {
    if (problem.state != "open" || !problem.opened.is_object()) continue;
    std::optional<Task> task;
    for (const auto& agent : choices.agents) {
      TRY(model, batch_model(agent));
      if (!model) continue;
      TRY(history, history_of(store, problem, agent));
      if (!history || history->size() >= static_cast<std::size_t>(choices.attempts)) continue;
      if (!task) {
        const auto folder = scratch / std::to_string(problem.id);
        std::error_code ec;
        fs::create_directories(folder, ec);
        TRY(made, task_of(store, run, problem, folder));
        task = std::move(made);
        TRY(winner, verified_winner(store, problem, task->target, {choices.held_out, run.command == "experiment"}));
        task->solved = std::move(winner);
        TRY(solved, solved_for(store, problem, choices, run.command == "experiment", folder, task->target));
        task->examples = std::move(solved);
      }
      TRY(prompt, batch_prompt(agent, *model, *task, *history, run.host, choices.attempts, choices.reference));
      const int number = history->empty() ? 1 : history->back().number + 1;
      std::vector<std::string> shown;
      for (const auto& example : task->examples) shown.push_back(example.id);
      requests.push_back({request_id(run, problem, agent, number), agent, choices.strategy, std::move(shown), problem,
                          number, *model, std::move(prompt)});
    }
  }
  return requests;
}

Result<std::set<std::string>> answered_requests(Store& store, const RunRecord& run) {
  std::set<std::string> ids;
  TRY(problems, store.problems(run.id));
  for (const auto& problem : problems) {
    TRY(attempts, store.attempts(problem.id));
    for (const auto& attempt : attempts) ids.insert(request_id(run, problem, attempt.agent, attempt.number));
  }
  return ids;
}

Result<Taken> take_answer(Store& store, const std::vector<Request>& open, std::set<std::string>& answered,
                          const std::string& id, const Reply& reply) {
  if (answered.contains(id)) return Taken::answered_before;
  const auto request = std::ranges::find(open, id, &Request::id);
  if (request == open.end()) return Taken::unknown;
  Proposal proposal = proposal_of(reply);
  proposal.name = "attempt " + std::to_string(request->number);
  proposal.notes["model"] = request->model.id;
  proposal.notes["request"] = id;
  for (const auto& example : request->shown) proposal.notes["shown"].push_back(example);
  TRY(kept, record_proposal(store, request->problem.id, request->agent, request->number, request->strategy, proposal,
                            companions_of(request->problem.files)));
  (void)kept;
  TRY(call, call_record(store, request->model, request->prompt, reply));
  call.problem = request->problem.id;
  call.agent = request->agent;
  if (auto ok = store.add_call(std::move(call)); !ok) return std::unexpected(ok.error());
  answered.insert(id);
  return Taken::taken;
}

}  // namespace burnish
