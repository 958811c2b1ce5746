#include "context/profile.h"

namespace burnish {
namespace {

double number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

}  // namespace

Profile read_profile(const json& profile) {
  Profile p;
  if (!profile.is_object()) return p;
  p.seconds = number_at(profile, "seconds");
  p.bytes_per_second = number_at(profile, "bytes_per_second");
  p.eager_seconds = number_at(profile, "eager_seconds");
  if (const auto gpu = profile.find("estimated_for"); gpu != profile.end() && gpu->is_string())
    p.estimated_for = gpu->get<std::string>();
  const auto steps = profile.find("steps");
  if (steps == profile.end() || !steps->is_array()) return p;
  for (const auto& row : *steps) {
    if (!row.is_object()) continue;
    const auto name = row.find("step");
    p.steps.push_back({name != row.end() && name->is_string() ? name->get<std::string>() : "",
                       number_at(row, "seconds"), number_at(row, "bytes_in") + number_at(row, "bytes_out"),
                       static_cast<std::int64_t>(number_at(row, "calls")), number_at(row, "flops")});
  }
  return p;
}

}  // namespace burnish
