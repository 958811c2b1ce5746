#include "context/regions.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "plan/names.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

/// Which step of the plan's list a profile's row is of: "steps[3] launch f", also "steps[3] > f.steps[0] op ...".
std::optional<std::size_t> step_of(std::string_view row, std::size_t steps) {
  constexpr std::string_view list = "steps[";
  if (!row.starts_with(list)) return std::nullopt;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(row.data() + list.size(), row.data() + row.size(), index);
  if (error != std::errc{} || end == row.data() + row.size() || *end != ']' || index >= steps) return std::nullopt;
  return index;
}

/// The tensors that each step makes. What an `empty` or `zero` only named is made by the first step that is given it.
struct Makers {
  std::vector<std::vector<std::string>> makes;  ///< by step; none of an allocation that another step fills
  std::vector<std::size_t> region;              ///< by step: itself, or who fills what it allocates

  explicit Makers(const std::vector<Step>& steps) : makes(steps.size()), region(steps.size()) {
    std::map<std::string, std::size_t> empty;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      region[i] = i;
      for (const std::string& name : inputs_of(steps[i])) {
        const auto found = empty.find(name);
        if (found == empty.end()) continue;
        region[found->second] = i;
        makes[i].push_back(name);
        makes[found->second].clear();
        empty.erase(found);
      }
      for (const std::string& name : outputs_of(steps[i]))
        if (!name.empty()) makes[i].push_back(name);
      if (const auto* allocation = std::get_if<AllocateStep>(&steps[i])) empty[allocation->out] = i;
    }
  }
};

/// Finds the exported steps between tensors of both plans.
class Origins {
 public:
  Origins(const Plan& plan, const Plan& exported) : exported_(exported) {
    for (std::size_t i = 0; i < exported.steps.size(); ++i)
      for (const std::string& name : outputs_of(exported.steps[i])) maker_[name] = i;
    for (const auto* steps : {&plan.prepare, &plan.steps})
      for (const Step& step : *steps)
        for (const std::string& name : outputs_of(step)) made_.insert(name);
  }

  std::vector<ReplacedStep> of(const std::vector<std::string>& makes) const {
    std::set<std::size_t> steps;
    std::vector<std::string> open = makes;
    while (!open.empty()) {
      const auto maker = maker_.find(open.back());
      open.pop_back();
      if (maker == maker_.end() || !steps.insert(maker->second).second) continue;
      for (const std::string& name : inputs_of(exported_.steps[maker->second]))
        if (!made_.contains(name)) open.push_back(name);
    }
    std::vector<ReplacedStep> all;
    for (const std::size_t i : steps) {
      const auto* op = std::get_if<OpStep>(&exported_.steps[i]);
      const auto out = outputs_of(exported_.steps[i]);
      all.push_back({op == nullptr ? describe_step(exported_.steps[i]) : op->op, out.empty() ? "" : out[0]});
    }
    return all;
  }

 private:
  const Plan& exported_;
  std::map<std::string, std::size_t> maker_;  ///< tensor -> exported step
  std::set<std::string> made_;                ///< by the plan's own steps
};

/// Operations that the compiler noted of the tensors that a region makes.
double noted_flops(const json& notes, const std::vector<std::string>& makes) {
  if (!notes.is_object() || !notes.contains("work")) return 0;
  const json& work = notes["work"];
  double flops = 0;
  for (const std::string& name : makes) {
    if (!work.is_object() || !work.contains(name) || !work[name].is_object()) continue;
    const auto noted = work[name].find("flops");
    if (noted != work[name].end() && noted->is_number()) flops += std::max(0.0, noted->get<double>());
  }
  return flops;
}

/// A region that makes nothing which the exported plan knows is a part of what the next one stands for that reads it.
void find_wholes(const std::vector<Step>& steps, const std::vector<std::size_t>& step, std::vector<Region>& regions) {
  for (std::size_t r = regions.size(); r-- > 0;) {
    Region& region = regions[r];
    if (!region.stands_for.empty()) continue;
    for (std::size_t later = r + 1; later < regions.size() && region.part_of.empty(); ++later) {
      const Region& reader = regions[later];
      const auto reads = inputs_of(steps[step[later]]);
      if (std::ranges::find_first_of(reads, region.makes) == reads.end()) continue;
      region.part_of = reader.stands_for.empty() ? reader.part_of : reader.stands_for.back().out;
    }
  }
}

}  // namespace

std::vector<Region> regions_of(const Plan& plan, const Plan& exported, const Profile& profile) {
  const Makers makers(plan.steps);
  const Origins origins(plan, exported);
  std::map<std::size_t, Region> by_step;
  for (const ProfiledStep& row : profile.steps) {
    const auto index = step_of(row.name, plan.steps.size());
    if (!index) continue;
    const std::size_t at = makers.region[*index];
    Region& region = by_step[at];
    region.seconds += row.seconds;
    region.bytes += row.bytes;
    region.flops += row.flops;
  }
  std::vector<Region> regions;
  std::vector<std::size_t> steps;
  for (auto& [index, region] : by_step) {
    region.name = describe_step(plan.steps[index]);
    region.makes = makers.makes[index];
    region.stands_for = origins.of(region.makes);
    if (const double noted = noted_flops(plan.notes, region.makes); noted > 0) region.flops = noted;
    regions.push_back(std::move(region));
    steps.push_back(index);
  }
  find_wholes(plan.steps, steps, regions);
  return regions;
}

double seconds_at_roof(const Region& region, const Roof& roof) {
  const double moving = roof.bytes_per_second > 0 ? region.bytes / roof.bytes_per_second : 0;
  const double computing = roof.flops_per_second > 0 ? region.flops / roof.flops_per_second : 0;
  return std::max(moving, computing);
}

}  // namespace burnish
