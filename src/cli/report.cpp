#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/paths.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"
#include "report/pages.h"

namespace burnish {
namespace {

struct Flags {
  CommonFlags common;
  std::vector<std::string> runs;
  std::string html;
  bool markdown = false, list = false;
};

json describe_run(const RunRecord& run) {
  return {{"run", run.id}, {"created", run.created}, {"command", run.command}, {"state", run.state}};
}

Result<int> list_runs(Store& store, const Flags& flags) {
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

/// The named runs, the newest first; the newest of all where none is named.
Result<std::vector<RunRecord>> chosen_runs(Store& store, const std::vector<std::string>& names) {
  std::vector<RunRecord> chosen;
  for (const auto& name : names) {
    TRY(run, store.run(name));
    chosen.push_back(std::move(run));
  }
  std::ranges::stable_sort(chosen, std::ranges::greater{}, &RunRecord::created);
  if (!chosen.empty()) return chosen;
  TRY(runs, store.runs());
  const auto newest =
      std::ranges::find_if(runs, [](const auto& run) { return run.command == "optimize" || run.command == "suite"; });
  if (newest == runs.end())
    return fail("there are no runs in the store yet", store.folder().string(), "burnish optimize FILE makes one");
  chosen.push_back(*newest);
  return chosen;
}

Result<int> report(const Flags& flags) {
  TRY(store, open_store(flags.common));
  if (flags.list) return list_runs(*store, flags);
  TRY(runs, chosen_runs(*store, flags.runs));
  std::vector<std::string> ids;
  for (const auto& run : runs) ids.push_back(run.id);
  TRY(views, view_runs(*store, ids));
  auto figures = aggregate(views);
  auto run = runs.front();
  run.id = fmt::format("{}", fmt::join(ids, " + "));
  figures["run"] = run.id;
  if (!flags.html.empty()) {
    if (auto ok = write_file(flags.html, run_page(run, views, figures, Page::html, false)); !ok)
      return std::unexpected(ok.error());
  }
  if (flags.common.json) {
    for (const auto& view : views) {
      json line = {{"problem", view.problem.name},
                   {"level", view.problem.level},
                   {"state", view.problem.state},
                   {"outcome", view.problem.outcome}};
      print_json(line);
    }
    print_json(figures);
  } else if (flags.html.empty()) {
    print_text(
        run_page(run, views, figures, flags.markdown ? Page::markdown : Page::terminal, has_colour(STDOUT_FILENO)));
  }
  return exit_ok;
}

}  // namespace

void add_report(Program& program) {
  auto flags = std::make_shared<Flags>();
  auto& command = *program.app.add_subcommand("report", "tables and figures of a run");
  command
      .add_option(
          "runs", flags->runs,
          "the run (default: the newest); of several, parts of one table, the newest result of a problem counts")
      ->type_name("RUN...");
  command.add_flag("--list", flags->list, "list the runs of the store");
  command.add_flag("--markdown", flags->markdown, "tables in Markdown");
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
