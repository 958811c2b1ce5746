#pragma once
#include <string>
#include <vector>

#include "swarm/judge.h"

namespace burnish {

/// All problems under the folders: Python files whose name does not begin with "_" or ".", sorted as people count
/// ("2_x" before "10_x"). The level is N of a folder named "levelN", else "other". Names are file stems, with the
/// level's folder before them, with more folders where that is needed to tell them apart. `glob` (fnmatch; empty: all)
/// is matched against the name, the stem and the path under the folder.
Result<std::vector<ProblemSpec>> find_problems(const std::vector<std::string>& folders, const std::string& glob);

}  // namespace burnish
