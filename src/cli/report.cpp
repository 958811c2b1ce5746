#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/paths.h"
#include "base/terminal.h"
#include "cli/campaign.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"
#include "report/pages.h"

namespace burnish {
namespace {

struct ReportFlags {
  CommonFlags common;
  std::vector<std::string> runs;
  std::string html, csv;
  bool markdown = false, list = false, tables = false;
};

json describe_run(const RunRecord& run) {
  return {{"run", run.id}, {"created", run.created}, {"command", run.command}, {"state", run.state}};
}

Result<int> list_runs(Store& store, const ReportFlags& flags) {
  TRY(runs, store.runs());
  if (flags.common.json) {
    for (const auto& run : runs) print_json(describe_run(run));
  } else if (runs.empty()) {
    print_text("no runs yet: burnish optimize FILE makes one\n");
  } else {
    print_text(runs_page(runs, flags.markdown ? Page::markdown : Page::terminal, has_colour(STDOUT_FILENO)));
  }
  return exit_ok;
}

/// The newest run that has anything to report.
Result<std::string> newest_run(Store& store) {
  TRY(runs, store.runs());
  for (const auto& run : runs)
    if (run.command == "optimize" || run.command == "suite" || run.command == "experiment") return run.id;
  return fail("there are no runs in the store yet", store.folder().string(), "burnish optimize FILE makes one");
}

/// A run by its id; where there is none, the newest runs, one a seed, of the experiment of that name.
Result<std::vector<std::string>> runs_of(Store& store, const std::string& name) {
  auto run = store.run(name);
  if (run) return std::vector{run->id};
  TRY(runs, store.runs());
  std::vector<std::string> found;
  std::set<std::uint64_t> seeds;
  json key;
  for (const auto& other : runs) {
    if (other.options.value(json::json_pointer("/experiment/name"), "") != name) continue;
    if (found.empty()) key = other.options["experiment"]["key"];
    if (other.options["experiment"]["key"] != key) continue;
    if (seeds.insert(other.options.value("seed", std::uint64_t{0})).second) found.push_back(other.id);
  }
  if (found.empty()) return std::unexpected(run.error());
  return found;
}

Status write_csv(const std::vector<Sheet>& sheets, const std::filesystem::path& folder) {
  for (const auto& sheet : sheets)
    if (auto ok = write_file(folder / (sheet.id + ".csv"), sheet.csv()); !ok) return ok;
  return {};
}

void print_lines(const std::vector<ProblemView>& views) {
  for (const auto& view : views)
    print_json({{"problem", view.problem.name},
                {"level", view.problem.level},
                {"state", view.problem.state},
                {"outcome", view.problem.outcome}});
}

Result<int> report(const ReportFlags& flags) {
  TRY(store, open_store(flags.common));
  if (flags.list) return list_runs(*store, flags);
  std::vector<RunView> runs;
  auto names = flags.runs;
  if (names.empty()) {
    TRY(newest, newest_run(*store));
    names.push_back(newest);
  }
  for (const auto& name : names) {
    TRY(found, runs_of(*store, name));
    for (const auto& id : found) {
      TRY(whole, whole_run(*store, id));
      runs.push_back(std::move(whole));
    }
  }
  // The tables compare agents: worth their length for an experiment and where they are asked for.
  std::vector<Sheet> sheets;
  if (runs.front().run.command == "experiment" || flags.tables || !flags.csv.empty()) {
    TRY(study, study_of(*store, runs, describe_agent));
    sheets = sheets_of(study);
  }
  if (!flags.csv.empty()) {
    if (auto ok = write_csv(sheets, flags.csv); !ok) return std::unexpected(ok.error());
  }
  std::ranges::stable_sort(runs, std::ranges::greater{}, [](const RunView& r) { return r.run.created; });
  const auto views = one_table(runs);
  auto figures = aggregate(views);
  auto run = runs.front().run;
  for (std::size_t i = 1; i < runs.size(); ++i) run.id += " + " + runs[i].run.id;
  figures["run"] = run.id;
  const auto page = flags.markdown ? Page::markdown : Page::terminal;
  const bool colour = has_colour(STDOUT_FILENO);
  if (!flags.html.empty()) {
    const auto text = run_page(run, views, figures, Page::html, false) + sheets_page(sheets, Page::html, false);
    if (auto ok = write_file(flags.html, text); !ok) return std::unexpected(ok.error());
  }
  if (flags.common.json) {
    print_lines(views);
    for (const auto& sheet : sheets) figures["tables"].push_back(sheet.to_json());
    print_json(figures);
  } else if (flags.html.empty() && flags.csv.empty()) {
    print_text(run_page(run, views, figures, page, colour) + sheets_page(sheets, page, colour));
  }
  return exit_ok;
}

}  // namespace

void add_report(Program& program) {
  auto flags = std::make_shared<ReportFlags>();
  auto& command = *program.app.add_subcommand("report", "tables and figures of a run");
  command
      .add_option("runs", flags->runs,
                  "the run (default: the newest), or an experiment's name; of several, parts of one table, the newest "
                  "result of a "
                  "problem counts")
      ->type_name("RUN...");
  command.add_flag("--list", flags->list, "list the runs of the store");
  command.add_flag("--markdown", flags->markdown, "tables in Markdown");
  command.add_flag("--tables", flags->tables, "the tables that compare agents, which experiments have by themselves");
  command.add_option("--csv", flags->csv, "write those tables, one file each")->type_name("DIR");
  command.add_option("--html", flags->html, "write a web page")->type_name("FILE");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Examples:\n  burnish report\n  burnish report --list\n  burnish report brisk-otter-47 --markdown\n  burnish "
      "report --html report.html");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = report(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
