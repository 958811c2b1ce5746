#pragma once
#include "report/aggregate.h"

namespace burnish {

/// The problem of a run by its name or by a part of it that only one has; the only one where no name is given.
Result<ProblemView> choose_problem(Store& store, const std::string& run, const std::string& name);

/// An attempt as people write it: "agent:number", "agent" (its best), or nothing (the winner, else the best accepted
/// one).
Result<AttemptRecord> choose_attempt(const ProblemView& view, const std::string& text);

}  // namespace burnish
