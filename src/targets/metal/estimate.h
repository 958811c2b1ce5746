#pragma once
#include <cstdint>

#include "base/json.h"

/// What a plan would cost on an Apple GPU, from what the emulator counts: for ranking where there is no Mac. An
/// estimate, never a measurement.
namespace burnish::metal {

/// A GPU's published figures, and what we take for granted where none is published (docs/metal.md).
struct Figures {
  const char* name;
  double bytes_per_second, flops_per_second;
  int cores;
  double busy_threads;     ///< of a core: with fewer in flight, memory is slower by their share
  double launch_seconds;   ///< between one kernel and the next of a stream
  double barrier_seconds;  ///< of a threadgroup, the others of its core going on
};
inline constexpr Figures m4_max = {"Apple M4 Max", 546e9, 17e12, 40, 256, 3e-6, 50e-9};

struct Estimate {
  double seconds = 0, bytes = 0, flops = 0;
  std::int64_t launches = 0, barriers = 0;
};

/// Of one call of a plan, from the steps of its profile (docs/architecture.md). Every tensor counts once for each step
/// that reads or writes it; arithmetic counts for products and convolutions alone.
Estimate estimate(const json& steps, const Figures& gpu = m4_max);

/// The same step by step, in the form of a judge's profile: "seconds" of each step and of the call are estimates, and
/// "estimated_for" names the GPU.
json estimated_profile(const json& steps, const Figures& gpu = m4_max);

json to_json(const Estimate& estimate);

}  // namespace burnish::metal
