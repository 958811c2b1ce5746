#include "context/regions_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace burnish {
namespace {

constexpr double least_region = 0.005;
constexpr std::size_t most_ops = 8;  ///< that a row names

struct Totals {
  double steps = 0, roof = 0, whole = 0;  ///< seconds
};

Totals totals_of(const std::vector<Region>& regions, const Profile& profile, const Roof& roof) {
  Totals totals;
  for (const Region& region : regions) {
    totals.steps += region.seconds;
    totals.roof += std::min(region.seconds, seconds_at_roof(region, roof));  // what caches hold is no loss elsewhere
  }
  totals.whole = std::max(totals.steps, profile.seconds);
  return totals;
}

/// What was reached of what; nothing where either is not known.
std::optional<double> ratio(double reached, double of) {
  return reached > 0 && of > 0 ? std::optional(reached / of) : std::nullopt;
}

std::string percent(std::optional<double> share) {
  return share ? fmt::format("{:.0f}%", 100 * *share) : "-";
}

std::string number(std::optional<double> value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

/// "linear, gelu, mul x3": names in order, equal neighbours once.
std::string ops_text(const std::vector<ReplacedStep>& steps) {
  std::vector<std::pair<std::string, int>> runs;
  for (const ReplacedStep& step : steps) {
    std::string name = step.op;
    if (const auto colons = name.find("::"); colons != std::string::npos) name.erase(0, colons + 2);
    name = name.substr(0, name.find('.'));
    if (runs.empty() || runs.back().first != name) runs.emplace_back(name, 0);
    ++runs.back().second;
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(runs.size(), most_ops); ++i)
    text += (i > 0 ? ", " : "") + runs[i].first +
            (runs[i].second > 1 ? " x" + std::to_string(runs[i].second) : std::string());
  return runs.size() > most_ops ? text + ", ..." : text;
}

std::string what_for(const Region& region) {
  if (!region.stands_for.empty()) return ": " + ops_text(region.stands_for);
  return region.part_of.empty() ? "" : ": a part of " + region.part_of;
}

std::string row_of(const Region& region, double whole, const Roof& roof) {
  const auto bytes = ratio(region.bytes, region.seconds), flops = ratio(region.flops, region.seconds);
  return fmt::format("{:5.1f}%  {:>10.1f}  {:>9.2f}  {:>7}  {:>7}  {:>9}  {:>7}  {:>7}  {}{}\n",
                     100 * region.seconds / whole, 1e6 * region.seconds, region.bytes / 1e6,
                     number(bytes ? std::optional(*bytes / 1e9) : bytes, 1),
                     percent(ratio(bytes.value_or(0), roof.bytes_per_second)),
                     region.flops > 0 ? fmt::format("{:.2f}", region.flops / 1e6) : "-",
                     number(flops ? std::optional(*flops / 1e9) : flops, 1),
                     percent(ratio(flops.value_or(0), roof.flops_per_second)), region.name, what_for(region));
}

json or_null(std::optional<double> value) {
  return value ? json(*value) : json(nullptr);
}

json json_of(const Region& region, const Roof& roof) {
  const auto bytes = ratio(region.bytes, region.seconds), flops = ratio(region.flops, region.seconds);
  json row = {{"name", region.name},
              {"makes", region.makes},
              {"stands_for", json::array()},
              {"part_of", region.part_of.empty() ? json(nullptr) : json(region.part_of)},
              {"seconds", region.seconds},
              {"bytes", region.bytes},
              {"flops", region.flops > 0 ? json(region.flops) : json(nullptr)},
              {"bytes_per_second", or_null(bytes)},
              {"flops_per_second", or_null(flops)},
              {"of_bandwidth", or_null(ratio(bytes.value_or(0), roof.bytes_per_second))},
              {"of_peak", or_null(ratio(flops.value_or(0), roof.flops_per_second))},
              {"of_roof", or_null(ratio(seconds_at_roof(region, roof), region.seconds))}};
  for (const ReplacedStep& step : region.stands_for) row["stands_for"].push_back({{"op", step.op}, {"out", step.out}});
  return row;
}

}  // namespace

std::string regions_text(const std::vector<Region>& regions, const Profile& profile, const Roof& roof) {
  const Totals totals = totals_of(regions, profile, roof);
  if (regions.empty() || totals.whole <= 0) return "(no step was measured)\n";
  std::string text =
      "  time          us         MB     GB/s  of copy      MFLOP  GFLOP/s  of peak  region: the steps that it stands "
      "for\n";
  double rest = 0;
  std::size_t small = 0;
  for (const Region& region : regions) {
    if (region.seconds < least_region * totals.whole) {
      rest += region.seconds;
      ++small;
      continue;
    }
    text += row_of(region, totals.whole, roof);
  }
  if (small > 0)
    text += fmt::format("{:5.1f}%  {:>10.1f}  in {} small region{}\n", 100 * rest / totals.whole, 1e6 * rest, small,
                        small == 1 ? "" : "s");
  text +=
      fmt::format("A call takes {:.1f} us, its steps one by one {:.1f} us", 1e6 * profile.seconds, 1e6 * totals.steps);
  if (totals.roof > 0) text += fmt::format(", at the roof {:.1f} us", 1e6 * totals.roof);
  if (profile.eager_seconds > 0) text += fmt::format("; the module takes {:.1f} us", 1e6 * profile.eager_seconds);
  return text + ".\n";
}

json regions_json(const std::vector<Region>& regions, const Profile& profile, const Roof& roof) {
  const Totals totals = totals_of(regions, profile, roof);
  json rows = json::array();
  for (const Region& region : regions) rows.push_back(json_of(region, roof));
  return {{"seconds", profile.seconds},
          {"steps_seconds", totals.steps},
          {"roof_seconds", totals.roof > 0 ? json(totals.roof) : json(nullptr)},
          {"eager_seconds", profile.eager_seconds > 0 ? json(profile.eager_seconds) : json(nullptr)},
          {"regions", std::move(rows)}};
}

}  // namespace burnish
