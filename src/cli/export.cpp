#include <fmt/format.h>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/paths.h"
#include "cli/chosen.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/workshop.h"
#include "plan/parse.h"
#include "plan/print.h"
#include "swarm/proposals.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct ExportFlags {
  CommonFlags common;
  std::string what, problem, attempt, inputs_from, form = "plan", out;
  bool no_sandbox = false;
};

Result<std::string> readable(const fs::path& plan) {
  TRY(loaded, load_plan(plan));
  return describe_plan(loaded);
}

/// Writes files into a folder that is new or empty.
Status write_folder(const fs::path& folder, const std::map<std::string, std::string>& files) {
  std::error_code ec;
  if (fs::exists(folder, ec) && !fs::is_empty(folder, ec))
    return fail("the folder is not empty", folder.string(), "name another one with --out");
  fs::create_directories(folder, ec);
  if (ec) return fail("the folder cannot be made", folder.string(), ec.message());
  for (const auto& [name, text] : files) {
    fs::create_directories((folder / name).parent_path(), ec);
    if (auto ok = write_file(folder / name, text); !ok) return ok;
  }
  return {};
}

int done(const ExportFlags& flags, const fs::path& out) {
  if (flags.common.json) {
    print_json({{"out", fs::absolute(out).lexically_normal().string()}, {"as", flags.form}});
  } else {
    print_text(out.string() + "\n");
  }
  return exit_ok;
}

int print_readable(const ExportFlags& flags, const std::string& text) {
  if (flags.common.json) {
    print_json({{"as", "text"}, {"text", text}});
  } else {
    print_text(text);
  }
  return exit_ok;
}

/// The exported plan of a module: where a candidate that is written by hand begins.
Result<int> export_module(const ExportFlags& flags) {
  TRY(spec, read_problem(flags.what, flags.inputs_from));
  JudgeOptions judging;
  judging.sandbox = !flags.no_sandbox;
  TRY(workshop, Workshop::open(flags.common, judging));
  TRY(judge, workshop.judge("export", spec.name));
  TRY(opened, judge->open(spec));
  if (opened.plan.empty()) {
    const auto notes = opened.reply.value("notes", json::array());
    return fail("the module cannot be exported as a plan" + (notes.empty() ? std::string() : ": " + notes.dump()),
                spec.file, "recipes and ModelNew files still work for it", "unsupported");
  }
  if (flags.form == "text") {
    TRY(text, readable(opened.plan));
    return print_readable(flags, text);
  }
  if (flags.form != "plan")
    return fail("a module can be exported as plan or text, not as " + flags.form, "--as", "name a run for the others");
  std::map<std::string, std::string> files;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(opened.plan, ec)) {
    if (!entry.is_regular_file()) continue;
    TRY(text, read_file(entry.path()));
    files[entry.path().filename().string()] = std::move(text);
  }
  const fs::path out = flags.out.empty() ? fs::path(file_name(spec.name) + "-plan") : fs::path(flags.out);
  if (auto ok = write_folder(out, files); !ok) return std::unexpected(ok.error());
  return done(flags, out);
}

Result<int> export_attempt(const ExportFlags& flags) {
  JudgeOptions judging;
  judging.sandbox = !flags.no_sandbox;
  TRY(workshop, Workshop::open(flags.common, judging));
  auto& store = *workshop.store;
  TRY(run, store.run(flags.what));
  TRY(view, choose_problem(store, flags.what, flags.problem));
  TRY(attempt, choose_attempt(view, flags.attempt));
  const fs::path out =
      flags.out.empty() ? fs::path(file_name(view.problem.name) + "-" + flags.form) : fs::path(flags.out);
  if (flags.form == "folder") {
    Outcome outcome{.summary = view.problem.outcome, .winner = attempt, .verdict = {}};
    for (const auto* stage : {"search", "eval", "final"})
      if (const auto* e = view.evaluation(attempt.id, stage)) outcome.verdict = e->verdict;
    if (!outcome.verdict.accepted())
      return fail("the attempt was not accepted", attempt.agent, "only accepted candidates can be deployed");
    if (auto ok = deploy(store, run, view.problem, outcome, *workshop.builder, out); !ok)
      return std::unexpected(ok.error());
    return done(flags, out);
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, artifact] : attempt.files) {
    TRY(text, store.artifacts().get(artifact));
    files[name] = std::move(text);
  }
  if (flags.form == "text") {
    if (attempt.form != "plan") return print_readable(flags, files.begin()->second);
    TRY(folder, workshop.scratch.folder("text"));
    TRY(candidate, materialise(store, attempt, folder));
    TRY(text, readable(candidate.location));
    return print_readable(flags, text);
  }
  if (auto ok = write_folder(out, files); !ok) return std::unexpected(ok.error());
  return done(flags, out);
}

Result<int> export_what(const ExportFlags& flags) {
  TRY(store, open_store(flags.common));
  if (store->run(flags.what)) return export_attempt(flags);
  return export_module(flags);
}

}  // namespace

void add_export(Program& program) {
  auto flags = std::make_shared<ExportFlags>();
  auto& command =
      *program.app.add_subcommand("export", "a module's plan, or a candidate of a run, as files or readable text");
  command.add_option("what", flags->what, "a problem's file, or a run")->type_name("FILE[:Class]|RUN")->required();
  command.add_option("problem", flags->problem, "the problem of the run")->type_name("PROBLEM");
  command.add_option("attempt", flags->attempt, "AGENT:NUMBER (default: the winner)")->type_name("ATTEMPT");
  command.add_option("--as", flags->form, "plan: the candidate's files; folder: to deploy; text: to read")
      ->check(CLI::IsMember({"plan", "folder", "text"}))
      ->capture_default_str();
  command.add_option("--out", flags->out, "where to write")->type_name("DIR");
  command.add_option("--inputs-from", flags->inputs_from, "where another class's inputs come from")
      ->type_name("FILE:function");
  command.add_flag("--no-sandbox", flags->no_sandbox, "compile kernels without the sandbox");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Examples:\n"
      "  burnish export model.py --out plan\n"
      "  burnish export model.py --as text\n"
      "  burnish export brisk-otter-47 gelu compiler:2 --as folder --out fast");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = export_what(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
