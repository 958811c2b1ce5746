#pragma once
#include <string>
#include <vector>

#include "cli/workshop.h"
#include "report/study.h"

namespace burnish {

/// A run over many problems, as suite and experiment make it: everything that a later part needs to go on alike.
struct Campaign {
  RunRecord run;
  Choices choices;
  bool measure_aa = true;
  bool measured = false;  ///< an experiment: no prompt shows a solution of any of its problems
  std::string out;        ///< a folder that gets a folder for each winner; empty: none
};

/// The problems of the run, in that order, those that it has already left as they are.
Status add_problems(Store& store, const std::string& run, const std::vector<ProblemSpec>& specs);

/// Runs all problems that are open, one after another. True: interrupted; what is done is kept.
Result<bool> run_problems(Workshop& workshop, const Campaign& campaign, const SearchFlags& search, bool as_json);

/// How the reports take agents' names apart.
AgentParts describe_agent(const std::string& agent);

}  // namespace burnish
