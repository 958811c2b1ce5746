#pragma once
#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace burnish::cuda {

/// One GPU as its driver describes it. Makes no context: nothing is allocated on the device.
struct Device {
  std::string name;
  int capability_major = 0, capability_minor = 0;
  int multiprocessors = 0, clock_khz = 0, memory_clock_khz = 0, memory_bus_bits = 0;
  std::int64_t memory_bytes = 0, l2_bytes = 0;
  std::int64_t shared_bytes = 0;           ///< of a block, at most (dynamic, once asked for)
  int registers = 0;                       ///< of a block
  int compute_mode = 0;                    ///< 0: several processes at a time
  int driver_major = 0, driver_minor = 0;  ///< the newest CUDA that the driver runs

  json to_json() const;
};

/// Whether judge and workers can use that GPU side by side: there is one, and its compute mode lets several processes
/// at it. An Error has the reason `environment`.
Status check_usable(int ordinal = 0);

/// Device number `ordinal` of those that CUDA_VISIBLE_DEVICES shows. An Error has the reason `environment`.
Result<Device> describe(int ordinal = 0);

}  // namespace burnish::cuda
