#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agents/compiler.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "cli/candidate.h"
#include "cli/command.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/workshop.h"
#include "compiler/languages.h"
#include "compiler/pipeline.h"
#include "context/regions_text.h"
#include "plan/parse.h"
#include "plan/print.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct ExplainFlags {
  CommonFlags common;
  std::string problem, candidate, inputs_from, target = "cpu", variant, rules = "all";
  bool measure = false, no_sandbox = false;
};

/// What the compiler makes of an exported plan, in the variant that was asked for: the first where none was.
Result<Proposal> compiled(const Plan& exported, const ExplainFlags& flags) {
  const auto* language = compiler::language_of(flags.target);
  if (language == nullptr) return fail("the compiler writes no kernels for the target " + flags.target, "--target", "");
  const auto rules = compiler::rules_named(flags.rules).value_or(compiler::RuleClass::changes);
  const auto variants = compiler::compile_candidates(exported, machine_of(flags.target), rules, *language);
  std::vector<std::string_view> names;
  for (const auto& variant : variants) {
    names.emplace_back(variant.name);
    if (!flags.variant.empty() && flags.variant != variant.name) continue;
    Proposal made{variant.name, Form::plan, variant.sources, nullptr};
    made.files["plan.json"] = print_plan(variant.plan);
    return made;
  }
  return fail(fmt::format("the compiler makes no variant \"{}\" of this module", flags.variant), "--variant",
              fmt::format("it makes: {}", fmt::join(names, ", ")));
}

Result<Proposal> proposal_of(const Plan& exported, const ExplainFlags& flags) {
  if (flags.candidate.empty()) return compiled(exported, flags);
  TRY(read, read_candidate(flags.candidate));
  if (read.form != Form::plan)
    return fail("only a plan has regions", flags.candidate, "name a plan's folder or its plan.json", "plan");
  return read;
}

/// The proposal's files in a folder, with the exported plan's constants where it names any.
Result<Candidate> written(const Proposal& proposal, const fs::path& exported, const fs::path& folder) {
  for (const auto& [name, text] : proposal.files)
    if (auto ok = write_file(folder / name, text); !ok) return std::unexpected(ok.error());
  constexpr const char* constants = "constants.safetensors";
  std::error_code ec;
  if (!proposal.files.contains(constants) && fs::exists(exported / constants, ec)) {
    fs::copy_file(exported / constants, folder / constants, ec);
    if (ec) return fail("the constants cannot be copied", (folder / constants).string(), ec.message(), "environment");
  }
  return Candidate{.name = proposal.name, .form = Form::plan, .location = folder};
}

Result<Roofline> roofline(Workshop& workshop, const ExplainFlags& flags) {
  TRY(kept, kept_roofline(*workshop.store, flags.target));
  if (kept && !flags.measure) return *kept;
  return measure_roofline(*workshop.store, flags.target, !flags.no_sandbox);
}

void print(const Proposal& proposal, const std::vector<Region>& regions, const Profile& profile,
           const Roofline& measured, const ExplainFlags& flags, const std::string& problem) {
  const Roof roof{measured.bytes_per_second, measured.flops_per_second};
  if (flags.common.json) {
    json line = regions_json(regions, profile, roof);
    line["problem"] = problem;
    line["target"] = flags.target;
    line["candidate"] = proposal.name;
    line["roofline"] = measured.to_json();
    print_json(line);
    return;
  }
  print_text(fmt::format("{} by {} on {}\n", problem, proposal.name, flags.target) +
             regions_text(regions, profile, roof) +
             fmt::format("The roof: {} (burnish doctor --measure).\n", describe(measured)));
}

Result<int> explain(const ExplainFlags& flags) {
  TRY(spec, read_problem(flags.problem, flags.inputs_from));
  JudgeOptions judging;
  judging.target = flags.target;
  judging.inputs = 10;  // the least that a judge takes: nothing is verified
  judging.sandbox = !flags.no_sandbox;
  TRY(workshop, Workshop::open(flags.common, judging));
  TRY(measured, roofline(workshop, flags));  // before the judge starts: nothing else may run meanwhile
  TRY(judge, workshop.judge("explain", spec.name));
  TRY(opened, judge->open(spec));
  if (opened.plan.empty()) {
    const auto notes = opened.reply.value("notes", json::array());
    return fail("the module cannot be exported as a plan" + (notes.empty() ? std::string() : ": " + notes.dump()),
                spec.file, "only plans have regions", "unsupported");
  }
  TRY(exported, load_plan(opened.plan));
  TRY(proposal, proposal_of(exported, flags));
  TRY(folder, workshop.scratch.folder("candidate"));
  TRY(candidate, written(proposal, opened.plan, folder));
  TRY(plan, load_plan(candidate.location));
  if (auto ok = build_candidate(*workshop.builder, candidate); !ok) return std::unexpected(ok.error());
  TRY(reply, judge->profile(candidate));
  workshop.watcher.reset();
  const Profile profile = read_profile(reply);
  print(proposal, regions_of(plan, exported, profile), profile, measured, flags, spec.name);
  return exit_ok;
}

}  // namespace

void add_explain(Program& program) {
  auto flags = std::make_shared<ExplainFlags>();
  auto& command = *program.app.add_subcommand(
      "explain", "where a module's time goes, region by region, and how far each stands from what the machine can do");
  command
      .add_option("problem", flags->problem, "a Python file with Model, get_inputs and get_init_inputs, or FILE:Class")
      ->type_name("FILE[:Class]")
      ->required();
  auto* candidate = command
                        .add_option("candidate", flags->candidate,
                                    "a plan's folder or plan.json (default: what the built-in compiler makes)")
                        ->type_name("PLAN");
  command.add_option("--variant", flags->variant, "of what the compiler makes: fused, channels last ...")
      ->type_name("NAME")
      ->excludes(candidate);
  command.add_option("--rules", flags->rules, "how far the compiler may change results")
      ->check(CLI::IsMember({"exact", "same", "all"}))
      ->capture_default_str()
      ->excludes(candidate);
  command.add_option("--target", flags->target, "where the plan runs")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--inputs-from", flags->inputs_from, "where another class's inputs come from")
      ->type_name("FILE:function");
  command.add_flag("--measure", flags->measure,
                   "measure the machine again (a few seconds), though the store has what it can do");
  command.add_flag("--no-sandbox", flags->no_sandbox, "run the plan without the sandbox: only for code that you trust");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Nothing is verified: `burnish eval` says whether a plan is right.\n"
      "Exit status: 0 measured, 1 the plan fails, 2 misuse or a malformed plan.\n"
      "Examples:\n"
      "  burnish explain model.py\n"
      "  burnish explain model.py --variant \"channels last\" --json\n"
      "  burnish explain model.py plan/");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = explain(*flags);
      if (status) return *status;
      const int code = report_error(status.error(), flags->common.json);
      constexpr std::string_view fails[] = {"compile", "object", "crash", "timeout", "memory", "resources", "shape"};
      return std::ranges::find(fails, status.error().reason) != std::end(fails) ? static_cast<int>(exit_failure) : code;
    };
  });
}

}  // namespace burnish
