#include "cli/judging.h"

#include <fmt/format.h>

#include <future>

#include "cli/command.h"
#include "report/pages.h"
#include "swarm/proposals.h"

namespace burnish {

Result<Verdict> judge_candidate(Workshop& workshop, const std::string& command, const ProblemSpec& spec,
                                const Proposal& proposal, Stage stage) {
  auto& store = *workshop.store;
  const json spec_json = {{"file", spec.file},
                          {"class", spec.cls},
                          {"inputs_from", spec.inputs_from},
                          {"name", spec.name},
                          {"level", spec.level}};
  TRY(run, store.create_run(command, {{"judging", to_json(workshop.judging)}, {"problem", spec_json}},
                            describe_host(workshop.judging.target)));
  TRY(problem, store.add_problem(run.id, spec.name, spec.level, spec_json));
  TRY(attempt, record_proposal(store, problem.id, "user", 1, command, proposal, {}));
  TRY(folder, workshop.scratch.folder("candidate"));
  TRY(candidate, materialise(store, attempt, folder));

  workshop.watcher->on(events::ProblemStarted{spec.name, 1, 1});
  std::future<Status> building;
  if (candidate.form == Form::plan)
    building = std::async(std::launch::async, [&] { return build_candidate(*workshop.builder, candidate); });
  TRY(judge, workshop.judge(run.id, spec.name));
  auto opened = judge->open(spec);
  Status built = building.valid() ? building.get() : Status{};
  if (!opened) {
    const auto& error = opened.error();
    if (error.reason != interrupted_reason) {
      (void)store.exclude_problem(problem.id, error.reason,
                                  {{"what", error.what}, {"where", error.where}, {"todo", error.todo}});
    }
    return std::unexpected(error);
  }
  workshop.watcher->on(events::ProblemOpened{*opened});
  Verdict verdict;
  if (built) {
    workshop.watcher->on(events::Judging{"user", proposal.name, 0, stage});
    TRY(said, judge->judge(candidate, stage));
    verdict = std::move(said);
  } else if (built.error().reason == "environment") {
    return std::unexpected(built.error());
  } else {
    verdict =
        make_verdict(built.error().reason == "plan" ? Verdict::Kind::error : Verdict::Kind::refused, built.error());
  }
  TRY(kept, store.add_evaluation(problem.id, attempt.id, to_text(stage), verdict));
  (void)kept;
  if (auto ok = store.finish_problem(problem.id, {{"verdict", to_text(verdict.kind)},
                                                  {"reason", verdict.reason},
                                                  {"winner", "user"},
                                                  {"candidate", proposal.name},
                                                  {"number", 1},
                                                  {"speedup", verdict.body["speedup"]},
                                                  {"interval", verdict.body["interval"]},
                                                  {"correct", verdict.accepted()}});
      !ok)
    return std::unexpected(ok.error());
  if (auto ok = store.finish_run(run.id); !ok) return std::unexpected(ok.error());
  return verdict;
}

int status_of(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::accepted:
      return exit_ok;
    case Verdict::Kind::refused:
      return exit_failure;
    case Verdict::Kind::error:
      break;
  }
  return exit_misuse;
}

std::string explain_verdict(const Verdict& verdict) {
  const auto& b = verdict.body;
  std::string text = to_text(verdict.kind) + ": " + verdict.reason + "\n";
  const auto line = [&](const std::string& name, const std::string& value) {
    text += fmt::format("  {:<10} {}\n", name, value);
  };
  if (b["speedup"].is_number())
    line("speedup", speedup_text(b["speedup"]) + " over eager, 99% interval " + interval_text(b["interval"]));
  if (b["contract"].is_string()) line("contract", b["contract"].get<std::string>());
  if (b["flat"].is_boolean())
    line("flat", b["flat"] == true ? "within 0.01, as the published study asks"
                                   : "not within 0.01, as the published study asks");
  if (b["error"].is_object()) {
    for (const auto* side : {"candidate", "eager"})
      if (b["error"].contains(side) && b["error"][side].is_number())
        line(side, fmt::format("{:.2e} relative RMS error", b["error"][side].get<double>()));
  }
  if (b["peak_bytes"].is_number()) line("memory", bytes_text(b["peak_bytes"].get<double>()) + " at peak");
  if (b["inputs"].is_number()) line("inputs", b["inputs"].dump());
  if (b["detail"].is_object()) {
    for (const auto& [key, value] : b["detail"].items()) {
      if (value.is_string() && value.get<std::string>().empty()) continue;
      line(key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  } else if (b["detail"].is_string()) {
    line("detail", b["detail"]);
  }
  if (b["notes"].is_array())
    for (const auto& note : b["notes"]) line("note", note.is_string() ? note.get<std::string>() : note.dump());
  return text;
}

}  // namespace burnish
