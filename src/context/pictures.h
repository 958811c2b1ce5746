#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace burnish {

/// A profile drawn, as PNG files: the timeline of a call with what is spent between its steps; the bandwidth of its
/// costliest steps against a plain copy's; their memory traffic. Empty where no step was measured.
std::vector<std::string> draw_profile(const json& profile);

}  // namespace burnish
