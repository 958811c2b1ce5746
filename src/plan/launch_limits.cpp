#include "plan/launch_limits.h"

#include <fmt/format.h>

namespace burnish {
namespace {

// CUDA C++ Programming Guide, "Compute Capabilities", table "Technical Specifications".
constexpr std::array<std::int64_t, 3> most_block = {1024, 1024, 64};
constexpr std::array<std::int64_t, 3> most_grid = {(std::int64_t{1} << 31) - 1, 65535, 65535};
constexpr std::int64_t most_threads = 1024, most_cluster = 16;  // 8 blocks everywhere, 16 where a kernel asks for it
constexpr std::int64_t most_shared_bytes = 227 << 10;

std::unexpected<Error> above(std::string what, std::int64_t value, std::int64_t limit, std::string where) {
  return fail(fmt::format("{} is {}, at most {} is allowed", what, value, limit), std::move(where), {}, "plan");
}

/// The product of the sizes that are known, capped far above every limit.
std::int64_t product(const LaunchSizes::Sizes& sizes) {
  std::int64_t all = 1;
  for (const auto& size : sizes)
    if (size && __builtin_mul_overflow(all, *size, &all)) return INT64_MAX;
  return all;
}

Status check_each(const LaunchSizes::Sizes& sizes, const std::array<std::int64_t, 3>& most, const char* key) {
  for (std::size_t i = 0; i < 3; ++i)
    if (sizes[i] && *sizes[i] > most[i]) return above("the size", *sizes[i], most[i], fmt::format("{}[{}]", key, i));
  return {};
}

}  // namespace

Status check_launch(const LaunchSizes& sizes) {
  if (auto ok = check_each(sizes.grid, most_grid, "grid"); !ok) return ok;
  if (auto ok = check_each(sizes.block, most_block, "block"); !ok) return ok;
  if (const auto threads = product(sizes.block); threads > most_threads)
    return above("the number of threads of a block", threads, most_threads, "block");
  if (const auto blocks = product(sizes.cluster); blocks > most_cluster)
    return above("the number of blocks of a cluster", blocks, most_cluster, "cluster");
  for (std::size_t i = 0; i < 3; ++i)
    if (sizes.grid[i] && sizes.cluster[i] && *sizes.cluster[i] > 0 && *sizes.grid[i] % *sizes.cluster[i] != 0)
      return fail(fmt::format("{} blocks are no whole number of clusters of {}", *sizes.grid[i], *sizes.cluster[i]),
                  fmt::format("grid[{}]", i), "let the cluster's size divide the grid's", "plan");
  if (sizes.shared_bytes && *sizes.shared_bytes > most_shared_bytes)
    return above("the shared memory", *sizes.shared_bytes, most_shared_bytes, "shared_bytes");
  return {};
}

}  // namespace burnish
