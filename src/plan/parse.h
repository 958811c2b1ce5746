#pragma once
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// Reads a plan's JSON text. `where` says in errors whose text it is (a file's name). The form is right afterwards
/// (keys, types, expressions), the meaning is not checked: see plan/check.h. Errors have the reason "plan".
Result<Plan> parse_plan(std::string_view json_text, std::string where);

/// Reads and checks the plan of a file, or of a folder with `plan.json` in it.
Result<Plan> load_plan(const std::filesystem::path& folder_or_file);

}  // namespace burnish
