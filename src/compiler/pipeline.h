#pragma once
#include <map>
#include <string>
#include <vector>

#include "compiler/context.h"

namespace burnish::compiler {

/// One row of the pipeline.
struct Pass {
  std::string_view name;
  PassFunction run;
};

/// The plan after a pass that changed it.
struct PassLog {
  std::string name;
  double milliseconds = 0;
  std::string text;  ///< the plan after it, for people; empty where the pass changed nothing
};

/// What the compiler makes of a plan: the plan and the sources of its kernels.
struct CompiledCandidate {
  std::string name;  ///< "compiler", "compiler channels_last" ...
  Plan plan;
  std::map<std::string, std::string> sources;  ///< file name -> text
  std::vector<std::string> fired;              ///< rules and templates that were used
  std::vector<PassLog> log;
};

/// The passes in their order.
const std::vector<Pass>& pipeline();

/// Runs the pipeline once. The checker stands after each pass, so an illegal plan is the fault of the pass named in the
/// error.
Result<CompiledCandidate> compile_plan(Plan plan, const Options& options, bool log_passes = false);

/// The options for a language: without templates and library calls that its target has not, on a machine of its kind.
Options options_for(const Language& language, Options options);

/// The variants that are worth a measurement, best guess first. A variant equal to an earlier one is left out.
std::vector<CompiledCandidate> compile_candidates(const Plan& plan, const Machine& machine,
                                                  RuleClass rules = RuleClass::changes, const Language& language = cpp);

/// What to try after a refusal: without rules that change rounding, then without templates and library calls too. Never
/// more than `rules`.
std::vector<CompiledCandidate> compile_carefully(const Plan& plan, const Machine& machine,
                                                 RuleClass rules = RuleClass::changes, const Language& language = cpp);

}  // namespace burnish::compiler
