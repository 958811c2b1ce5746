#pragma once
#include <string>
#include <vector>

#include "context/regions.h"

namespace burnish {

/// A table for people: of each region its share of the call, time, bytes, operations, the rates that it reaches and
/// their shares of the roof, the exported steps that it stands for. Regions below half a percent are summed up.
std::string regions_text(const std::vector<Region>& regions, const Profile& profile, const Roof& roof);

/// The same for programs: {"seconds", "steps_seconds", "roof_seconds", "eager_seconds", "regions": [{"name", "makes",
/// "stands_for": [{"op", "out"}], "part_of", "seconds", "bytes", "flops", "bytes_per_second", "flops_per_second",
/// "of_bandwidth", "of_peak", "of_roof"}]}. Null: nothing of that kind, or not known.
json regions_json(const std::vector<Region>& regions, const Profile& profile, const Roof& roof);

}  // namespace burnish
