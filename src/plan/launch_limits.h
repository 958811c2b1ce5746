#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"

/// What a launch on a GPU may ask for. Checked where a plan is read, as far as sizes are written as numbers, and at
/// each call with the values of the call.
namespace burnish {

struct LaunchSizes {
  using Sizes = std::array<std::optional<std::int64_t>, 3>;
  Sizes grid, block, cluster;  ///< x, y, z; absent where the value is not known yet
  std::optional<std::int64_t> shared_bytes;
};

/// CUDA's limits, the same for compute capability 7.0 and above: threads of a block, sizes of a grid, blocks of a
/// cluster. Shared memory is held to what the largest GPU has; the device's own limit is checked where it is known. An
/// Error (reason `plan`) says the number and the limit.
Status check_launch(const LaunchSizes& sizes);

}  // namespace burnish
