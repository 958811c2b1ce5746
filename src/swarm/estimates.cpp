#include "swarm/estimates.h"

#include <algorithm>

#include "targets/metal/estimate.h"

namespace burnish {
namespace {

double ratio_of(const Verdict& verdict) {
  const auto estimate = verdict.body.value("estimate", json(nullptr));
  return estimate.is_object() ? estimate.value("speedup", 0.0) : 0.0;
}

}  // namespace

bool is_estimated(const std::string& target) {
  return target == "metal-emulated";
}

std::optional<double> estimate_original(Judge& judge, const std::filesystem::path& plan) {
  const auto profile = judge.profile({.name = "original", .form = Form::plan, .location = plan});
  if (!profile) return {};
  return metal::estimate(profile->value("steps", json::array())).seconds;
}

Status add_estimate(Judge& judge, const Candidate& candidate, double original_seconds, Verdict& verdict) {
  TRY(profile, judge.profile(candidate));
  const auto estimate = metal::estimate(profile.value("steps", json::array()));
  json& told = verdict.body["estimate"];
  told = metal::to_json(estimate);
  told["original_seconds"] = original_seconds;
  told["speedup"] = estimate.seconds > 0 ? original_seconds / estimate.seconds : 0.0;
  return {};
}

std::vector<Turn> best_estimates(const Board& board) {
  std::vector<Turn> turns;
  for (std::size_t s = 0; s < board.seats.size(); ++s)
    for (std::size_t a = 0; a < board.seats[s].history.size(); ++a) {
      const Verdict& verdict = board.seats[s].history[a].verdict;
      if (verdict.accepted() && ratio_of(verdict) > win_threshold) turns.push_back({s, a});
    }
  std::ranges::stable_sort(turns, std::greater{},
                           [&](const Turn& t) { return ratio_of(board.seats[t.seat].history[t.attempt].verdict); });
  return turns;
}

}  // namespace burnish
