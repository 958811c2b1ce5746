#pragma once
#include <string>

#include "base/json.h"

namespace burnish {

/// A profile (what the judge answers to "profile") as a table for a prompt: each step with its share of the time, its
/// bytes, the bandwidth that it reaches and its share of what a plain copy reaches here (the roofline of steps that
/// only move data), the costliest marked; then what is spent between steps. Steps below half a percent are summed up.
std::string profile_text(const json& profile);

}  // namespace burnish
