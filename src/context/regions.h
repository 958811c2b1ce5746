#pragma once
#include <string>
#include <vector>

#include "context/profile.h"
#include "plan/plan.h"

namespace burnish {

/// A step of the exported plan.
struct ReplacedStep {
  std::string op, out;  ///< "aten::relu", and the first tensor that it makes
};

/// A kernel or another step of a plan, measured, with what it stands for.
struct Region {
  std::string name;                ///< "launch fused_1", "op aten::mm"
  std::vector<std::string> makes;  ///< tensors; of a kernel those that it fills
  std::vector<ReplacedStep> stands_for;
  std::string part_of;            ///< a tensor of `stands_for` of a later region, where it is a part of that one's work
  double seconds = 0, bytes = 0;  ///< of a call; each tensor that is read or written counts once
  double flops = 0;               ///< about; 0: none, or not known
};

/// What the machine can do at most (`burnish doctor --measure`).
struct Roof {
  double bytes_per_second = 0, flops_per_second = 0;
};

/// The regions of a plan in its order. `profile` is the judge's answer about `plan`. A kernel's figures are those that
/// the compiler noted (`notes.work`) of the tensors which that kernel fills, never of those that it reads. What a
/// region stands for is found through the names that rewriting kept: the steps of `exported` between the tensors that
/// it makes and the nearest that other steps of `plan` make.
std::vector<Region> regions_of(const Plan& plan, const Plan& exported, const Profile& profile);

/// The least time that the bytes and operations of a region take under that roof.
double seconds_at_roof(const Region& region, const Roof& roof);

}  // namespace burnish
