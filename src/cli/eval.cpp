#include "base/interrupt.h"
#include "cli/candidate.h"
#include "cli/command.h"
#include "cli/judging.h"
#include "cli/output.h"

namespace burnish {
namespace {

struct EvalFlags {
  CommonFlags common;
  JudgeFlags judge;
  std::string problem, candidate, inputs_from;
};

Result<int> eval(const EvalFlags& flags) {
  TRY(judging, flags.judge.read());
  TRY(spec, read_problem(flags.problem, flags.inputs_from));
  TRY(proposal, read_candidate(flags.candidate));
  TRY(workshop, Workshop::open(flags.common, judging));
  TRY(verdict, judge_candidate(workshop, "eval", spec, proposal, Stage::eval));
  workshop.watcher.reset();
  if (flags.common.json) {
    print_json(verdict.body);
  } else {
    print_text(explain_verdict(verdict));
  }
  return status_of(verdict);
}

}  // namespace

void add_eval(Program& program) {
  auto flags = std::make_shared<EvalFlags>();
  auto& command = *program.app.add_subcommand("eval", "judge one candidate: is it right, and how fast is it");
  command
      .add_option("problem", flags->problem, "a Python file with Model, get_inputs and get_init_inputs, or FILE:Class")
      ->type_name("FILE[:Class]")
      ->required();
  command
      .add_option("candidate", flags->candidate,
                  "a plan's folder or plan.json, a recipe, or a Python file with ModelNew")
      ->type_name("CANDIDATE")
      ->required();
  command.add_option("--inputs-from", flags->inputs_from, "where another class's inputs come from")
      ->type_name("FILE:function");
  add_judge_flags(command, flags->judge);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Exit status: 0 accepted as right (whatever its speed), 1 refused, 2 misuse or a malformed candidate.\n"
      "Examples:\n"
      "  burnish eval model.py plan/\n"
      "  burnish eval model.py model_new.py --inputs 20 --json\n"
      "  burnish eval model.py recipe.json --contract generator");
  command.callback([&program, flags] {
    program.run = [flags] {
      watch_interrupts();
      auto status = eval(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
