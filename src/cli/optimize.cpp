#include <fcntl.h>
#include <fmt/format.h>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/workshop.h"
#include "report/pages.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct OptimizeFlags {
  CommonFlags common;
  JudgeFlags judge;
  SearchFlags search;
  std::string problem, inputs_from, out, name;
  int judge_fd = -1;
};

/// The run and its problem, new ones or those of --resume.
struct Job {
  RunRecord run;
  ProblemSpec spec;
  Choices choices;
};

json spec_json(const ProblemSpec& spec) {
  return {{"file", spec.file},
          {"class", spec.cls},
          {"inputs_from", spec.inputs_from},
          {"name", spec.name},
          {"level", spec.level}};
}

Result<ProblemSpec> new_spec(const OptimizeFlags& flags) {
  if (flags.judge_fd >= 0) {
    if (::fcntl(flags.judge_fd, F_GETFD) < 0)
      return fail("this is no open descriptor", "--judge-fd", "start burnish with burnish.optimize() from Python");
    ProblemSpec spec;
    spec.name = flags.name.empty() ? "module" : flags.name;
    return spec;
  }
  if (flags.problem.empty())
    return fail("no problem is named", "burnish optimize", "name a file: burnish optimize FILE[:Class]");
  return read_problem(flags.problem, flags.inputs_from);
}

Result<Job> resumed_job(Store& store, const OptimizeFlags& flags, JudgeOptions& judging) {
  TRY(run, resume_run(store, flags.search.resume, "optimize"));
  const auto& o = run.options;
  TRY(before, judge_options_of(o.at("judging")));
  judging = before;
  const auto& p = o.at("problem");
  ProblemSpec spec{p.at("file"), p.at("class"), p.at("inputs_from"), p.at("name"), p.at("level")};
  if (!flags.problem.empty()) {
    TRY(named, read_problem(flags.problem, flags.inputs_from));
    if (named.name != spec.name)
      return fail("the run is of the problem " + spec.name, flags.problem, "leave the file out with --resume");
    spec = named;
  }
  if (spec.file.empty() && flags.judge_fd < 0) {
    return fail("the run was started from Python, whose process held the module", "--resume",
                "resume it with burnish.optimize(..., resume=...)");
  }
  TRY(choices, flags.search.resumed(store, run));
  return Job{run, spec, std::move(choices)};
}

Result<Job> new_job(Store& store, const ProblemSpec& spec, const JudgeOptions& judging, const Choices& choices) {
  json options = to_json(choices);
  options["judging"] = to_json(judging);
  options["problem"] = spec_json(spec);
  TRY(run, store.create_run("optimize", options, describe_host(judging.target)));
  return Job{std::move(run), spec, choices};
}

void explain(const json& summary, const std::string& run) {
  const bool won = summary["verdict"] == "accepted";
  std::string text;
  const json estimate = summary.value("estimate", json(nullptr));
  if (won && estimate.is_object()) {
    text += fmt::format(
        "{0}: {1}/{2} gives the module's results on the Metal emulator. Its time is not verified: an estimate for an "
        "{3} "
        "says {4:.3g} ms a call, {5} launches, {6:.3g} MB moved; {7:.3g} ms for the module's own steps.\n\nIt lies in "
        "{8}; "
        "MAC.md there says how to check and time it on a Mac.\n",
        summary["problem"].get<std::string>(), summary["winner"].get<std::string>(),
        summary["candidate"].get<std::string>(), estimate["gpu"].get<std::string>(),
        estimate["seconds"].get<double>() * 1e3, estimate["launches"].dump(), estimate["bytes"].get<double>() / 1e6,
        estimate["original_seconds"].get<double>() * 1e3, summary["dir"].get<std::string>());
  } else if (!won && summary.contains("estimate")) {
    text += fmt::format("{}: the original stays: no right candidate has a better estimate ({} attempts)\n",
                        summary["problem"].get<std::string>(), summary["attempts"].dump());
  } else if (won) {
    text += fmt::format("{}: {}/{} is {} faster than eager PyTorch, 99% interval {}\n",
                        summary["problem"].get<std::string>(), summary["winner"].get<std::string>(),
                        summary["candidate"].get<std::string>(), speedup_text(summary["speedup"]),
                        interval_text(summary["interval"]));
    if (summary["reason"] == "trivial")
      text += "Note: the module's output hardly depends on its input; the winner is a constant.\n";
    text += fmt::format(
        "\nIt lies in {}. Use it in Python:\n\n    import burnish\n    fast = burnish.load(model, \"{}\")   # model: "
        "your own module\n",
        summary["dir"].get<std::string>(), summary["dir"].get<std::string>());
  } else {
    text += fmt::format("{}: the original stays: no candidate was faster beyond doubt ({} attempts)\n",
                        summary["problem"].get<std::string>(), summary["attempts"].dump());
  }
  if (summary.contains("stopped"))
    text += fmt::format(
        "\nThe budget was spent before all attempts were made. To go on: burnish optimize --resume {} "
        "--budget-usd X (or --budget-tokens N)\n",
        run);
  if (summary.contains("waiting"))
    text += fmt::format("\n{} prompts wait for answers: burnish requests {}\n", summary["waiting"].dump(), run);
  text += fmt::format("\nAll attempts: burnish show {} {}\n", run, summary["problem"].get<std::string>());
  print_text(text);
}

int resume_hint(const std::string& run, const OptimizeFlags& flags) {
  std::fprintf(stderr, "stopped; everything done is kept. Go on with: burnish optimize --resume %s%s\n", run.c_str(),
               flags.common.store.empty() ? "" : (" --store " + flags.common.store).c_str());
  return exit_interrupted;
}

Result<int> optimize(const OptimizeFlags& flags) {
  TRY(choices, flags.search.choices());
  TRY(judging, flags.judge.read());
  const bool resuming = !flags.search.resume.empty();
  ProblemSpec spec;
  if (!resuming) {
    TRY(read, new_spec(flags));
    spec = read;
  }
  Job job;
  if (resuming) {
    TRY(store, open_store(flags.common));
    TRY(resumed, resumed_job(*store, flags, judging));
    job = std::move(resumed);
    spec = job.spec;
  }
  const fs::path out = flags.out.empty() ? fs::path(file_name(spec.name) + "-burnished") : fs::path(flags.out);
  if (auto ok = can_deploy(out); !ok) return std::unexpected(ok.error());
  TRY(workshop, Workshop::open(flags.common, judging, resuming ? job.choices.strategy : choices.strategy));
  if (!resuming) {
    TRY(made, new_job(*workshop.store, spec, judging, choices));
    job = std::move(made);
  }
  TRY(problem, workshop.store->add_problem(job.run.id, spec.name, spec.level, spec_json(spec)));
  std::fprintf(stderr, "run %s\n", job.run.id.c_str());
  workshop.watcher->on(events::ProblemStarted{spec.name, 1, 1});
  Outcome outcome;
  if (problem.state == "done") {
    TRY(stored, stored_outcome(*workshop.store, problem));
    outcome = std::move(stored);
  } else {
    TRY(agents, workshop.agents(flags.search, job.choices, problem));
    TRY(judge, workshop.judge(job.run.id, spec.name, flags.judge_fd));
    const auto options = flags.search.read(judging, job.choices);
    auto found = optimize_problem(workshop.swarm(*judge), problem, spec, std::move(agents), options);
    if (flags.search.dry_run) {
      if (auto ok = workshop.store->remove_run(job.run.id); !ok) return std::unexpected(ok.error());
    }
    if (flags.search.dry_run && found) return exit_ok;
    if (!found && found.error().reason == interrupted_reason) return resume_hint(job.run.id, flags);
    if (!found) return std::unexpected(found.error());
    outcome = std::move(*found);
  }
  outcome.summary["dir"] = nullptr;
  if (outcome.winner) {
    if (auto ok = deploy(*workshop.store, job.run, problem, outcome, *workshop.builder, out); !ok)
      return std::unexpected(ok.error());
    outcome.summary["dir"] = fs::absolute(out).lexically_normal().string();
  }
  const bool waiting = outcome.summary.contains("waiting");
  if (!waiting) {
    if (auto ok = workshop.store->finish_run(job.run.id); !ok) return std::unexpected(ok.error());
  }
  workshop.watcher.reset();
  if (flags.common.json) {
    print_json(outcome.summary);
  } else {
    explain(outcome.summary, job.run.id);
  }
  return exit_ok;
}

}  // namespace

void add_optimize(Program& program) {
  auto flags = std::make_shared<OptimizeFlags>();
  auto& command =
      *program.app.add_subcommand("optimize", "make one module faster; the original stays where nothing wins");
  command
      .add_option("problem", flags->problem, "a Python file with Model, get_inputs and get_init_inputs, or FILE:Class")
      ->type_name("FILE[:Class]");
  command.add_option("--inputs-from", flags->inputs_from, "where another class's inputs come from")
      ->type_name("FILE:function");
  add_search_flags(command, flags->search);
  command.add_option("--out", flags->out, "folder for the winner (default: NAME-burnished)")->type_name("DIR");
  add_judge_flags(command, flags->judge);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.add_option("--judge-fd", flags->judge_fd, "the judge is the calling process, at this descriptor")->group("");
  command.add_option("--name", flags->name, "the problem's name, with --judge-fd")->group("");
  command.footer(
      "Examples:\n"
      "  burnish optimize model.py\n"
      "  burnish optimize model.py:Encoder --inputs-from model.py:example --out fast\n"
      "  burnish optimize model.py --agents inductor,library --seconds 60 --json\n"
      "  burnish optimize --resume brisk-otter-47");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = optimize(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
