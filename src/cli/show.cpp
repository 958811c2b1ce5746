#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "agents/compiler.h"
#include "base/terminal.h"
#include "cli/chosen.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/judging.h"
#include "cli/output.h"
#include "cli/session.h"
#include "compiler/languages.h"
#include "compiler/pipeline.h"
#include "compiler/tables.h"
#include "plan/parse.h"
#include "plan/print.h"
#include "report/pages.h"
#include "report/statistics.h"

namespace burnish {
namespace {

struct ShowFlags {
  CommonFlags common;
  std::string run, problem, attempt, rules;
  bool passes = false;
};

std::string samples_text(const json& samples) {
  std::string text;
  for (const auto* side : {"reference", "candidate"}) {
    int pair = 0;
    for (const auto& list : samples[side]) {
      std::vector<double> values;
      for (const auto& value : list) values.push_back(value.get<double>());
      ++pair;
      if (values.empty()) continue;
      std::sort(values.begin(), values.end());
      text += fmt::format("  {:<10} pair {:<2} {:>5} calls  median {:>9}  quartiles {} to {}\n", side, pair,
                          values.size(), seconds_text(quantile(values, 0.5)), seconds_text(quantile(values, 0.25)),
                          seconds_text(quantile(values, 0.75)));
    }
  }
  return text;
}

Result<int> show_attempt(Store& store, const ProblemView& view, const AttemptRecord& attempt, bool as_json) {
  const bool colour = has_colour(STDOUT_FILENO);
  json line = {{"problem", view.problem.name}, {"agent", attempt.agent},      {"number", attempt.number},
               {"name", attempt.name},         {"form", attempt.form},        {"notes", attempt.notes},
               {"files", json::object()},      {"evaluations", json::array()}};
  std::string text = paint(fmt::format("{}  {}:{} {}", view.problem.name, attempt.agent, attempt.number, attempt.name),
                           Colour::bold, colour) +
                     "\n";
  if (attempt.notes.is_object() && attempt.notes.contains("rules"))
    text += "\n" + paint("-- what fired", Colour::blue, colour) + "\n" +
            compiler::describe_fired(attempt.notes["rules"].get<std::vector<std::string>>());
  for (const auto& [name, artifact] : attempt.files) {
    if (name.ends_with(".safetensors")) continue;
    TRY(contents, store.artifacts().get(artifact));
    line["files"][name] = contents;
    text += "\n" + paint("-- " + name, Colour::blue, colour) + "\n" + contents + (contents.ends_with('\n') ? "" : "\n");
  }
  for (const auto& e : view.evaluations) {
    if (e.attempt != attempt.id) continue;
    TRY(samples, store.samples(e.id));
    json entry = {{"stage", e.stage}, {"verdict", e.verdict.body}, {"samples", samples}};
    line["evaluations"].push_back(std::move(entry));
    text +=
        "\n" + paint("-- " + e.stage, Colour::blue, colour) + "\n" + explain_verdict(e.verdict) + samples_text(samples);
  }
  if (as_json) {
    print_json(line);
  } else {
    print_text(text);
  }
  return exit_ok;
}

/// The compiler's work on the problem's exported plan again, with the plan after each pass that changed it.
Result<int> show_passes(Store& store, const ProblemView& view, const std::string& target, const std::string& rules,
                        bool as_json) {
  const auto file = view.problem.files.find("plan.json");
  if (file == view.problem.files.end()) {
    return fail("the store has no exported plan of this problem", view.problem.name,
                "only modules that can be exported have passes");
  }
  TRY(text, store.artifacts().get(file->second));
  TRY(plan, parse_plan(text, "plan.json"));
  const auto* language = compiler::language_of(target);
  if (language == nullptr)
    return fail("the compiler writes no kernels for the target " + target, view.problem.name, "");
  compiler::Options options;
  options.machine = machine_of(target);
  options = compiler::options_for(*language, options);
  options.rules = compiler::rules_named(rules).value_or(compiler::RuleClass::changes);
  TRY(compiled, compiler::compile_plan(plan, options, /*log_passes=*/true));
  const bool colour = has_colour(STDOUT_FILENO);
  if (!as_json) print_text(paint("-- exported", Colour::blue, colour) + "\n" + describe_plan(plan));
  for (const auto& pass : compiled.log) {
    if (as_json) {
      print_json({{"pass", pass.name}, {"milliseconds", pass.milliseconds}, {"plan", pass.text}});
      continue;
    }
    print_text("\n" + paint(fmt::format("-- {} ({:.2f} ms)", pass.name, pass.milliseconds), Colour::blue, colour) +
               "\n");
    print_text(pass.text.empty() ? "changes nothing\n" : pass.text);
  }
  if (as_json) print_json({{"fired", compiled.fired}});
  if (!as_json)
    print_text("\n" + paint("-- what fired, --rules " + rules, Colour::blue, colour) + "\n" +
               compiler::describe_fired(compiled.fired));
  return exit_ok;
}

Result<int> show(const ShowFlags& flags) {
  TRY(store, open_store(flags.common));
  TRY(view, choose_problem(*store, flags.run, flags.problem));
  if (flags.passes) {
    TRY(run, store->run(flags.run));
    const auto rules = flags.rules.empty() ? run.options.value("rules", "all") : flags.rules;
    return show_passes(*store, view, run.options.value("target", "cpu"), rules, flags.common.json);
  }
  if (!flags.attempt.empty()) {
    TRY(attempt, choose_attempt(view, flags.attempt));
    return show_attempt(*store, view, attempt, flags.common.json);
  }
  if (flags.common.json) {
    json line = {{"problem", view.problem.name},
                 {"state", view.problem.state},
                 {"opened", view.problem.opened},
                 {"outcome", view.problem.outcome},
                 {"attempts", json::array()}};
    for (const auto& attempt : view.attempts) {
      json a = {{"agent", attempt.agent}, {"number", attempt.number}, {"name", attempt.name}, {"form", attempt.form}};
      for (const auto& e : view.evaluations)
        if (e.attempt == attempt.id) a[e.stage] = e.verdict.body;
      line["attempts"].push_back(std::move(a));
    }
    print_json(line);
    return exit_ok;
  }
  print_text(problem_page(view, has_colour(STDOUT_FILENO)));
  if (!view.attempts.empty()) {
    print_text(fmt::format("\none attempt with its plan, kernels and samples: burnish show {} {} {}:{}\n", flags.run,
                           view.problem.name, view.attempts.front().agent, view.attempts.front().number));
  }
  return exit_ok;
}

}  // namespace

void add_show(Program& program) {
  auto flags = std::make_shared<ShowFlags>();
  auto& command = *program.app.add_subcommand(
      "show", "one problem of a run: all attempts, or one with plan, kernels, verdict and samples");
  command.add_option("run", flags->run, "the run")->type_name("RUN")->required();
  command.add_option("problem", flags->problem, "the problem, or a part of its name")->type_name("PROBLEM");
  command.add_option("attempt", flags->attempt, "AGENT:NUMBER, or AGENT for its best")->type_name("ATTEMPT");
  auto* passes = command.add_flag("--passes", flags->passes,
                                  "the plan after each pass of the compiler that changed it, and the rules that fired");
  command.add_option("--rules", flags->rules, "with --passes: exact, same or all (default: as the run had it)")
      ->check(CLI::IsMember({"exact", "same", "all"}))
      ->needs(passes);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Examples:\n  burnish show brisk-otter-47\n  burnish show brisk-otter-47 gelu compiler:2\n  burnish show "
      "brisk-otter-47 gelu --passes");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = show(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
