#pragma once
#include <optional>
#include <vector>

#include "swarm/judge.h"
#include "swarm/strategy.h"

/// Choosing where no clock tells: on an emulator candidates are verified and ranked by an estimate of what they would
/// take. An estimate stands beside a verdict ("estimate"), never in the place of a measured speedup.
namespace burnish {

bool is_estimated(const std::string& target);

/// The estimated seconds of the module's own exported plan; nothing where the judge cannot profile it.
std::optional<double> estimate_original(Judge& judge, const std::filesystem::path& plan);

/// Puts "estimate" into the verdict on a right plan: seconds, bytes, flops, launches, barriers, the GPU's name, the
/// original's seconds and the ratio; with `with_steps` "profile" too, the estimate of each step.
Status add_estimate(Judge& judge, const Candidate& candidate, double original_seconds, bool with_steps,
                    Verdict& verdict);

/// Right candidates whose estimate beats the original's, the best first.
std::vector<Turn> best_estimates(const Board& board);

}  // namespace burnish
