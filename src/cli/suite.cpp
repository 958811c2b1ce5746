#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/problems.h"
#include "cli/workshop.h"
#include "report/pages.h"

#include <unistd.h>

namespace burnish {
namespace {

struct Flags {
  CommonFlags common;
  JudgeFlags judge;
  SearchFlags search;
  std::vector<std::string> folders;
  std::string glob, out;
  bool no_aa = false;
};

/// Everything a later part of the run needs to go on alike.
struct Job {
  RunRecord run;
  Choices choices;
  bool measure_aa = true;
};

Result<ProblemSpec> spec_of(const ProblemRecord& problem) try {
  const auto& s = problem.spec;
  return ProblemSpec{s.at("file"), s.at("class"), s.at("inputs_from"), problem.name, problem.level};
} catch (const json::exception& error) {
  return fail(std::string("the store's problem cannot be read: ") + error.what(), problem.name);
}

Status add_problems(Store& store, const std::string& run, const std::vector<ProblemSpec>& specs) {
  for (const auto& spec : specs) {
    auto added =
        store.add_problem(run, spec.name, spec.level, {{"file", spec.file}, {"class", ""}, {"inputs_from", ""}});
    if (!added) return std::unexpected(added.error());
  }
  return {};
}

/// Runs one problem to its end. True: interrupted.
Result<bool> run_problem(Workshop& workshop, const Job& job, const Flags& flags, const ProblemRecord& problem) {
  TRY(spec, spec_of(problem));
  TRY(agents, workshop.agents(flags.search, job.choices, problem));
  TRY(judge, workshop.judge(job.run.id, problem.name));
  auto options = flags.search.read(workshop.judging, job.choices);
  options.measure_aa = job.measure_aa;
  auto outcome = optimize_problem(workshop.swarm(*judge), problem, spec, std::move(agents), options);
  if (!outcome && outcome.error().reason == interrupted_reason) return true;
  if (outcome && flags.search.dry_run) return false;
  json line = {{"event", "problem"}, {"problem", problem.name}, {"level", problem.level}};
  if (outcome) {
    line.update(outcome->summary);
    if (outcome->winner && !flags.out.empty()) {
      const auto folder = std::filesystem::path(flags.out) / file_name(problem.name);
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
  if (flags.common.json) print_json(line);
  return false;
}

Result<int> suite(const Flags& flags) {
  TRY(choices, flags.search.choices());
  TRY(judging, flags.judge.read());
  Job job{{}, choices, !flags.no_aa};
  std::vector<ProblemSpec> specs;
  if (!flags.folders.empty()) {
    TRY(found, find_problems(flags.folders, flags.glob));
    specs = std::move(found);
  } else if (flags.search.resume.empty()) {
    return fail("no folder is named", "burnish suite", "name folders of problems: burnish suite DIR...");
  }
  if (!flags.search.resume.empty()) {
    TRY(store, open_store(flags.common));
    TRY(run, resume_run(*store, flags.search.resume, "suite"));
    TRY(before, judge_options_of(run.options.at("judging")));
    judging = before;
    TRY(chosen, flags.search.resumed(*store, run));
    job = {run, std::move(chosen), run.options.at("aa")};
  }
  TRY(workshop, Workshop::open(flags.common, judging, job.choices.strategy));
  auto& store = *workshop.store;
  if (job.run.id.empty()) {
    json options = to_json(job.choices);
    options.update({{"judging", to_json(judging)}, {"aa", job.measure_aa}, {"folders", flags.folders}});
    TRY(run, store.create_run("suite", options, describe_host()));
    job.run = std::move(run);
  }
  if (auto ok = add_problems(store, job.run.id, specs); !ok) return std::unexpected(ok.error());
  std::fprintf(stderr, "run %s\n", job.run.id.c_str());
  TRY(problems, store.problems(job.run.id));
  int index = 0;
  for (const auto& problem : problems) {
    ++index;
    if (problem.state != "open") continue;
    workshop.watcher->on(events::ProblemStarted{problem.name, index, static_cast<int>(problems.size())});
    TRY(stopped, run_problem(workshop, job, flags, problem));
    if (stopped || interrupted()) {
      workshop.watcher.reset();
      std::fprintf(stderr, "stopped; everything done is kept. Go on with: burnish suite --resume %s%s\n",
                   job.run.id.c_str(), flags.common.store.empty() ? "" : (" --store " + flags.common.store).c_str());
      return exit_interrupted;
    }
  }
  if (flags.search.dry_run) {
    if (auto ok = store.remove_run(job.run.id); !ok) return std::unexpected(ok.error());
    return exit_ok;
  }
  TRY(after, store.problems(job.run.id));
  const auto open = std::ranges::count(after, "open", &ProblemRecord::state);
  if (open > 0) {  // agents that wait for answers have attempts left there
    std::fprintf(stderr, "%td problems wait for answers: burnish requests %s\n", open, job.run.id.c_str());
  } else if (auto ok = store.finish_run(job.run.id); !ok) {
    return std::unexpected(ok.error());
  }
  workshop.watcher.reset();
  TRY(figures, aggregate(store, job.run.id));
  if (flags.common.json) {
    print_json(figures);
  } else {
    TRY(views, view_run(store, job.run.id));
    print_text(run_page(job.run, views, figures, Page::terminal, has_colour(STDOUT_FILENO)));
  }
  return exit_ok;
}

}  // namespace

void add_suite(Program& program) {
  auto flags = std::make_shared<Flags>();
  auto& command =
      *program.app.add_subcommand("suite", "optimise many problems: folders of files, KernelBench's layout included");
  command.add_option("folders", flags->folders, "folders of problem files; folders named levelN give levels")
      ->type_name("DIR...");
  command.add_option("--problems", flags->glob, "only those whose name matches")->type_name("GLOB");
  add_search_flags(command, flags->search);
  command.add_option("--out", flags->out, "a folder that gets a folder for each winner")->type_name("DIR");
  command.add_flag("--no-aa", flags->no_aa, "do not judge each original against itself");
  add_judge_flags(command, flags->judge);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Examples:\n"
      "  burnish suite examples --inputs 20\n"
      "  burnish suite KernelBench/KernelBench --problems 'level1/*' --json\n"
      "  burnish suite --resume brisk-otter-47");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = suite(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
