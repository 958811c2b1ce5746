#include "swarm/estimates.h"

#include <algorithm>

#include "targets/metal/estimate.h"

namespace burnish {
bool is_estimated(const std::string& target) {
  return target == "metal-emulated";
}

std::optional<double> estimate_original(Judge& judge, const std::filesystem::path& plan) {
  const auto profile = judge.profile({.name = "original", .form = Form::plan, .location = plan});
  if (!profile) return {};
  return metal::estimate(profile->value("steps", json::array())).seconds;
}

Status add_estimate(Judge& judge, const Candidate& candidate, double original_seconds, bool with_steps,
                    Verdict& verdict) {
  TRY(profile, judge.profile(candidate));
  const auto estimate = metal::estimate(profile.value("steps", json::array()));
  json& told = verdict.body["estimate"];
  told = metal::to_json(estimate);
  told["original_seconds"] = original_seconds;
  told["speedup"] = estimate.seconds > 0 ? original_seconds / estimate.seconds : 0.0;
  if (with_steps) {
    verdict.body["profile"] = metal::estimated_profile(profile.value("steps", json::array()));
    verdict.body["profile"]["eager_seconds"] = original_seconds;
  }
  return {};
}

std::vector<Turn> best_estimates(const Board& board) {
  std::vector<Turn> turns;
  for (std::size_t s = 0; s < board.seats.size(); ++s)
    for (std::size_t a = 0; a < board.seats[s].history.size(); ++a) {
      const Verdict& verdict = board.seats[s].history[a].verdict;
      if (verdict.accepted() && verdict.estimated_speedup().value_or(0) > win_threshold) turns.push_back({s, a});
    }
  std::ranges::stable_sort(turns, std::greater{},
                           [&](const Turn& t) { return board.seats[t.seat].history[t.attempt].verdict.rank(); });
  return turns;
}

}  // namespace burnish
