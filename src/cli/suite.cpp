#include <fmt/format.h>

#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/campaign.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/problems.h"
#include "report/pages.h"

#include <unistd.h>

namespace burnish {
namespace {

struct SuiteFlags {
  CommonFlags common;
  JudgeFlags judge;
  SearchFlags search;
  std::vector<std::string> folders;
  std::string glob, out;
  bool no_aa = false;
};

Result<int> suite(const SuiteFlags& flags) {
  TRY(choices, flags.search.choices());
  TRY(judging, flags.judge.read());
  Campaign job;
  job.choices = choices;
  job.measure_aa = !flags.no_aa;
  job.out = flags.out;
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
    job.run = run;
    job.choices = std::move(chosen);
    job.measure_aa = run.options.at("aa");
  }
  TRY(workshop, Workshop::open(flags.common, judging, job.choices.strategy));
  auto& store = *workshop.store;
  if (job.run.id.empty()) {
    json options = to_json(job.choices);
    options.update({{"judging", to_json(judging)}, {"aa", job.measure_aa}, {"folders", flags.folders}});
    TRY(run, store.create_run("suite", options, describe_host(judging.target)));
    job.run = std::move(run);
  }
  if (auto ok = add_problems(store, job.run.id, specs); !ok) return std::unexpected(ok.error());
  std::fprintf(stderr, "run %s\n", job.run.id.c_str());
  TRY(stopped, run_problems(workshop, job, flags.search, flags.common.json));
  if (stopped) {
    workshop.watcher.reset();
    std::fprintf(stderr, "stopped; everything done is kept. Go on with: burnish suite --resume %s%s\n",
                 job.run.id.c_str(), flags.common.store.empty() ? "" : (" --store " + flags.common.store).c_str());
    return exit_interrupted;
  }
  if (flags.search.dry_run) return exit_ok;
  workshop.watcher.reset();
  TRY(views, view_run(store, job.run.id));
  auto figures = aggregate(views);
  figures["run"] = job.run.id;
  if (flags.common.json) {
    print_json(figures);
  } else {
    print_text(run_page(job.run, views, figures, Page::terminal, has_colour(STDOUT_FILENO)));
  }
  return exit_ok;
}

}  // namespace

void add_suite(Program& program) {
  auto flags = std::make_shared<SuiteFlags>();
  auto& command =
      *program.app.add_subcommand("suite", "optimise many problems: folders of files, KernelBench's layout included");
  command.add_option("folders", flags->folders, "folders of problem files; folders named levelN give levels")
      ->type_name("DIR...");
  command.add_option("--problems", flags->glob, "only those whose name matches")->type_name("GLOB");
  add_search_flags(command, flags->search);
  command.add_option("--out", flags->out, "a folder that gets a folder for each winner")->type_name("DIR");
  command.add_flag("--no-aa", flags->no_aa, "do not judge each original against itself");
  command
      .add_option("--slowest", flags->judge.options.slowest_seconds,
                  "leave out problems of which one eager forward takes longer (reason too-slow; default: none)")
      ->check(above_zero)
      ->type_name("S")
      ->group("Judging");
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
