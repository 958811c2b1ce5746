#pragma once
#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include "swarm/judge.h"

namespace burnish {

/// Flags that most commands share, with one help text each.
struct CommonFlags {
  std::string store;
  bool json = false;
};
void add_store_flag(CLI::App& command, CommonFlags& flags);
void add_json_flag(CLI::App& command, CommonFlags& flags);

/// The judging flags; `domain` is NAME=KIND as typed.
struct JudgeFlags {
  JudgeOptions options;
  std::vector<std::string> domain;
  bool no_sandbox = false;

  Result<JudgeOptions> read() const;
};
void add_judge_flags(CLI::App& command, JudgeFlags& flags);

/// "FILE[:Class]" in its parts. Fails where there is no such file.
Result<ProblemSpec> read_problem(const std::string& text, const std::string& inputs_from);

/// A validator for numbers above 0.
extern const CLI::Validator above_zero;

}  // namespace burnish
