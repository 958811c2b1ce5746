#pragma once
#include "agents/agent.h"
#include "cli/workshop.h"

namespace burnish {

/// Judges one candidate that a user named, as `burnish eval` and `burnish verify` do: kernels are compiled while the
/// judge opens the problem. Recorded in the store as a run of `command`. An Error is the problem's or the machine's.
Result<Verdict> judge_candidate(Workshop& workshop, const std::string& command, const ProblemSpec& spec,
                                const Proposal& proposal, Stage stage);

/// "accepted", "refused" and "error" as exit statuses: 0, 1, 2.
int status_of(const Verdict& verdict);

/// The verdict for a person.
std::string explain_verdict(const Verdict& verdict);

}  // namespace burnish
