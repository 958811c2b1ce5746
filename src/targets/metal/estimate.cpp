#include "targets/metal/estimate.h"

#include <algorithm>
#include <array>
#include <string>

namespace burnish::metal {
namespace {

// Operators that only say how memory is read: no kernel runs.
constexpr std::array<std::string_view, 22> free_ops = {
    "view",      "reshape", "_unsafe_view",     "unflatten", "flatten",    "permute", "transpose", "t",
    "unsqueeze", "squeeze", "expand",           "select",    "slice",      "alias",   "detach",    "narrow",
    "chunk",     "split",   "split_with_sizes", "unbind",    "contiguous", "dropout"};

/// Whether a step ("steps[3] op aten::mm.default", "steps[4] launch fused_1") runs a kernel.
bool runs(const std::string& step) {
  if (step.find(" launch ") != std::string::npos) return true;
  const auto at = step.find("::");
  if (step.find(" op ") == std::string::npos || at == std::string::npos) return false;
  const std::string name = step.substr(at + 2, step.find_first_of(". ", at + 2) - at - 2);
  return std::ranges::find(free_ops, name) == free_ops.end();
}

struct Counts {
  double calls, bytes, flops, threads, groups, barriers;
  explicit Counts(const json& step)
      : calls(step.value("calls", 0.0)),
        bytes(step.value("bytes_in", 0.0) + step.value("bytes_out", 0.0)),
        flops(step.value("flops", 0.0)),
        threads(step.value("threads", 0.0)),
        groups(step.value("groups", 0.0)),
        barriers(step.value("barriers", 0.0)) {}
};

double seconds_of(const Counts& n, const Figures& gpu) {
  // PyTorch's own kernels are taken to fill the GPU.
  const double busy =
      n.threads > 0 ? std::min(1.0, n.threads / std::max(n.calls, 1.0) / (gpu.busy_threads * gpu.cores)) : 1;
  const double side_by_side = std::clamp(n.groups / std::max(n.calls, 1.0), 1.0, static_cast<double>(gpu.cores));
  return n.calls * gpu.launch_seconds +
         std::max(n.bytes / (gpu.bytes_per_second * busy), n.flops / gpu.flops_per_second) +
         n.barriers * gpu.barrier_seconds / side_by_side;
}

}  // namespace

Estimate estimate(const json& steps, const Figures& gpu) {
  Estimate all;
  for (const json& step : steps) {
    if (!runs(step.value("step", ""))) continue;
    const Counts n(step);
    all.seconds += seconds_of(n, gpu);
    all.bytes += n.bytes;
    all.flops += n.flops;
    all.launches += static_cast<std::int64_t>(n.calls);
    all.barriers += static_cast<std::int64_t>(n.barriers);
  }
  return all;
}

json estimated_profile(const json& steps, const Figures& gpu) {
  json rows = json::array();
  for (const json& step : steps) {
    rows.push_back(step);
    rows.back()["seconds"] = runs(step.value("step", "")) ? seconds_of(Counts(step), gpu) : 0.0;
  }
  return {{"seconds", estimate(steps, gpu).seconds},
          {"bytes_per_second", gpu.bytes_per_second},
          {"estimated_for", gpu.name},
          {"steps", rows}};
}

json to_json(const Estimate& e) {
  return {{"seconds", e.seconds},   {"bytes", e.bytes},       {"flops", e.flops},
          {"launches", e.launches}, {"barriers", e.barriers}, {"gpu", m4_max.name}};
}

}  // namespace burnish::metal
