#pragma once
#include <CLI/CLI.hpp>

#include <functional>

namespace burnish {

/// Exit statuses: 0 done, 1 a failure (a candidate refused, a check not passed), 2 misuse or bad input, 130 after
/// Ctrl-C.
enum Exit_status { exit_ok = 0, exit_failure = 1, exit_misuse = 2, exit_interrupted = 130 };

/// One command: adds its subcommand with flags and help to the program and sets `run` when it was chosen.
struct Program {
  CLI::App& app;
  std::function<int()> run;
};

void add_optimize(Program& program);
void add_eval(Program& program);
void add_suite(Program& program);
void add_experiment(Program& program);
void add_report(Program& program);
void add_show(Program& program);
void add_verify(Program& program);
void add_explain(Program& program);
void add_export(Program& program);
void add_doctor(Program& program);
void add_prune(Program& program);
void add_pack(Program& program);
void add_unpack(Program& program);
void add_models(Program& program);
void add_requests(Program& program);
void add_answers(Program& program);
void add_build(Program& program);
void add_compile(Program& program);
void add_completion(Program& program);

}  // namespace burnish
