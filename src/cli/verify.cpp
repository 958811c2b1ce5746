#include <fmt/format.h>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "cli/candidate.h"
#include "cli/command.h"
#include "cli/judging.h"
#include "cli/output.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct VerifyFlags {
  CommonFlags common;
  JudgeFlags judge;
  std::string folder, problem, inputs_from;
};

/// The manifest, after every file was found to be as it was written.
Result<json> checked_manifest(const fs::path& folder) {
  std::error_code ec;
  if (!fs::is_directory(folder, ec))
    return fail("there is no such folder", folder.string(), "name one that `burnish optimize` wrote", "file");
  TRY(text, read_file(folder / "burnish.json"));
  auto manifest = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object() || manifest.value("burnish", json()) != 1 || !manifest.contains("files") ||
      !manifest["files"].is_object()) {
    return fail("this is no manifest that this burnish knows", (folder / "burnish.json").string(),
                "update burnish, or optimise again", "file");
  }
  for (const auto& [name, hash] : manifest["files"].items()) {
    auto bytes = read_file(folder / name);
    if (!bytes) return std::unexpected(bytes.error());
    if (hash != sha256(*bytes)) {
      return fail("a file of the folder was changed after it was judged", (folder / name).string(),
                  "optimise again, or judge it with `burnish eval`", "file");
    }
  }
  return manifest;
}

Result<ProblemSpec> problem_of(const json& manifest, const VerifyFlags& flags) {
  if (!flags.problem.empty()) return read_problem(flags.problem, flags.inputs_from);
  const auto p = manifest.value("problem", json::object());
  const auto file = p.value("file", "");
  if (file.empty()) {
    return fail("the folder was made from Python and names no problem file", flags.folder,
                "name one with --problem FILE[:Class]", "file");
  }
  const auto cls = p.value("class", "");
  TRY(spec, read_problem(cls.empty() ? file : file + ":" + cls, p.value("inputs_from", "")));
  return spec;
}

Result<int> verify(const VerifyFlags& flags) {
  TRY(judging, flags.judge.read());
  TRY(manifest, checked_manifest(flags.folder));
  TRY(spec, problem_of(manifest, flags));
  TRY(proposal, read_candidate(flags.folder));
  TRY(workshop, Workshop::open(flags.common, judging));
  TRY(verdict, judge_candidate(workshop, "verify", spec, proposal, Stage::final));
  workshop.watcher.reset();
  if (flags.common.json) {
    print_json(verdict.body);
  } else {
    print_text(explain_verdict(verdict));
    if (verdict.accepted() && !verdict.wins()) print_text("it is right, but not faster here beyond doubt\n");
  }
  return status_of(verdict);
}

}  // namespace

void add_verify(Program& program) {
  auto flags = std::make_shared<VerifyFlags>();
  auto& command = *program.app.add_subcommand("verify", "judge a deployed folder again, on this machine");
  command.add_option("folder", flags->folder, "a folder that `burnish optimize` wrote")->type_name("DIR")->required();
  command.add_option("--problem", flags->problem, "the problem, where its file has moved")->type_name("FILE[:Class]");
  command.add_option("--inputs-from", flags->inputs_from, "where another class's inputs come from")
      ->type_name("FILE:function");
  add_judge_flags(command, flags->judge);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Exit status: 0 accepted, 1 refused, 2 misuse or a damaged folder.\nExample:\n  burnish verify model-burnished "
      "--inputs 20");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = verify(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
