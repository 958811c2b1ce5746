#pragma once
#include <string>

#include "report/aggregate.h"
#include "report/sheets.h"
#include "report/table.h"

namespace burnish {

enum class Page { terminal, markdown, html };

/// "1.53x", or "-" where it is null.
std::string speedup_text(const json& value);
/// "[1.48, 1.58]", or "-".
std::string interval_text(const json& interval);
/// "values: output 0 at [3, 7] ..." in one line, for a table or a log.
std::string verdict_text(const Verdict& verdict);

/// A run's report: figures, a table of all problems, agents, levels, exclusions.
std::string run_page(const RunRecord& run, const std::vector<ProblemView>& views, const json& figures, Page page,
                     bool colour);

/// The tables of an experiment.
std::string sheets_page(const std::vector<Sheet>& sheets, Page page, bool colour);

/// The list of runs.
std::string runs_page(const std::vector<RunRecord>& runs, Page page, bool colour);

/// One problem: verdicts of all attempts.
std::string problem_page(const ProblemView& view, bool colour);

}  // namespace burnish
