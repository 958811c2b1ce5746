#pragma once
#include <filesystem>

#include "agents/agent.h"
#include "base/error.h"

namespace burnish {

/// A candidate as a user names it: a plan's folder, a plan.json, a recipe (JSON), a Python file with ModelNew, or a
/// deployed folder. Reads its files and looks at their form, not at their meaning. Errors are of malformed candidates:
/// reason "plan" or "file".
Result<Proposal> read_candidate(const std::filesystem::path& path);

}  // namespace burnish
