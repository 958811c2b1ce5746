#pragma once
#include <string>
#include <vector>

#include "base/json.h"

namespace burnish {

struct ProfiledStep {
  std::string name;
  double seconds = 0, bytes = 0;  ///< of a call; bytes read and written
  std::int64_t calls = 1;         ///< in loops more than one
  double flops = 0;               ///< of products and convolutions, as the worker counts
};

/// How a plan's time is spent: the judge's answer to "profile" (docs/architecture.md).
struct Profile {
  double seconds = 0, bytes_per_second = 0, eager_seconds = 0;
  std::string estimated_for;  ///< the GPU where the seconds are estimates; empty: they were measured
  std::vector<ProfiledStep> steps;
};

/// Reads it tolerantly: what is missing or no number is 0.
Profile read_profile(const json& profile);

}  // namespace burnish
