#include <unistd.h>

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
  std::string run, html;
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

Result<int> report(const Flags& flags) {
  TRY(store, open_store(flags.common));
  if (flags.list) return list_runs(*store, flags);
  std::string id = flags.run;
  if (id.empty()) {
    TRY(runs, store->runs());
    for (const auto& run : runs) {
      if (run.command != "optimize" && run.command != "suite") continue;
      id = run.id;
      break;
    }
    if (id.empty())
      return fail("there are no runs in the store yet", store->folder().string(), "burnish optimize FILE makes one");
  }
  TRY(run, store->run(id));
  TRY(views, view_run(*store, id));
  TRY(figures, aggregate(*store, id));
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
  command.add_option("run", flags->run, "the run (default: the newest)")->type_name("RUN");
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
