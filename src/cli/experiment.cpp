#include <fmt/format.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/terminal.h"
#include "cli/campaign.h"
#include "cli/command.h"
#include "cli/experiment_file.h"
#include "cli/output.h"
#include "cli/problems.h"
#include "report/pages.h"

namespace burnish {
namespace {

struct ExperimentFlags {
  CommonFlags common;
  std::string file, prompts;
  bool again = false, dry_run = false;
};

/// What decides whether a run is of this experiment: everything but the comments in its file.
std::string key_of(const Experiment& e, const json& options, const std::vector<ProblemSpec>& specs) {
  json all = {{"name", e.name}, {"options", options}};
  for (const auto& spec : specs) all["problems"].push_back({spec.name, spec.file});
  return hash_hex(all.dump());
}

Result<std::optional<RunRecord>> find_run(Store& store, const std::string& key, std::uint64_t seed) {
  TRY(runs, store.runs());
  for (auto& run : runs)
    if (run.command == "experiment" && run.options.value(json::json_pointer("/experiment/key"), "") == key &&
        run.options.value("seed", std::uint64_t{0}) == seed)
      return std::move(run);
  return std::nullopt;
}

Result<int> experiment(const ExperimentFlags& flags) {
  TRY(e, read_experiment(flags.file));
  e.search.dry_run = flags.dry_run;
  e.search.prompts = flags.prompts;
  TRY(specs, find_problems(e.problems, e.match));
  TRY(judging, e.judge.read());
  TRY(choices, e.search.choices());
  TRY(workshop, Workshop::open(flags.common, judging, choices.strategy));
  auto& store = *workshop.store;
  json options = to_json(choices);
  options.update({{"judging", to_json(judging)}, {"aa", e.measure_aa}});
  const auto key = key_of(e, options, specs);
  options["experiment"] = {{"name", e.name}, {"key", key}};
  std::vector<std::string> runs;
  for (const auto seed : e.seeds) {
    Campaign campaign;
    campaign.choices = choices;
    campaign.measure_aa = e.measure_aa;
    campaign.measured = true;
    campaign.choices.seed = seed;
    TRY(known, find_run(store, key, seed));
    if (known && !flags.again && !flags.dry_run) {
      campaign.run = std::move(*known);
    } else {
      options["seed"] = seed;
      TRY(made, store.create_run("experiment", options, describe_host()));
      campaign.run = std::move(made);
    }
    runs.push_back(campaign.run.id);
    std::fprintf(stderr, "experiment %s, run %s, seed %s\n", e.name.c_str(), campaign.run.id.c_str(),
                 std::to_string(seed).c_str());
    if (auto ok = add_problems(store, campaign.run.id, specs); !ok) return std::unexpected(ok.error());
    workshop.ledger.reset();
    TRY(stopped, run_problems(workshop, campaign, e.search, flags.common.json));
    if (stopped) {
      workshop.watcher.reset();
      std::fprintf(stderr, "stopped; everything done is kept. The same command goes on.\n");
      return exit_interrupted;
    }
    if (flags.dry_run) return exit_ok;
  }
  workshop.watcher.reset();
  std::vector<RunView> whole;
  for (const auto& run : runs) {
    TRY(one, whole_run(store, run));
    whole.push_back(std::move(one));
  }
  TRY(study, study_of(store, whole, describe_agent));
  const auto sheets = sheets_of(study);
  if (flags.common.json) {
    json tables = json::array();
    for (const auto& sheet : sheets) tables.push_back(sheet.to_json());
    print_json({{"experiment", e.name}, {"runs", runs}, {"tables", tables}});
  } else {
    print_text(sheets_page(sheets, Page::terminal, has_colour(STDOUT_FILENO)));
    std::string names;
    for (const auto& run : runs) names += " " + run;
    print_text(fmt::format("\nThe same again, or as CSV: burnish report{} --csv DIR\n", names));
  }
  return exit_ok;
}

}  // namespace

void add_experiment(Program& program) {
  auto flags = std::make_shared<ExperimentFlags>();
  auto& command = *program.app.add_subcommand(
      "experiment", "models x contexts x problems from a file; the same command again goes on where it stopped");
  command.add_option("file", flags->file, "what to try: docs/experiments.md")
      ->type_name("FILE.toml")
      ->check(CLI::ExistingFile)
      ->required();
  command.add_flag("--again", flags->again, "begin anew even where the store has this experiment");
  auto* dry_run = command.add_flag("--dry-run", flags->dry_run,
                                   "show what would leave this machine for the models' first attempts; ask nobody");
  command.add_option("--prompts", flags->prompts, "a folder for what --dry-run shows (default: stdout)")
      ->type_name("DIR")
      ->needs(dry_run);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer("Examples:\n  burnish experiment study.toml\n  burnish report study --csv tables");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = experiment(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
