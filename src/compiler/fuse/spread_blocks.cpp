#include <algorithm>

#include "compiler/fuse/schedule.h"

// How an NVIDIA GPU wants a group's axes: neighbours in a warp on neighbouring memory, 16 bytes a thread where tensors
// lie so, and threads enough to keep every multiprocessor's memory pipes full.
namespace burnish::compiler {
namespace {

constexpr std::int64_t warp = 32, most_threads = 1024, point_threads = 256;
constexpr std::int64_t own_row = 16;           // a thread takes a row of so many elements alone
constexpr std::int64_t rounds = 4;             // of a thread over its row, where there are rows enough
constexpr std::int64_t warp_rounds = 8;        // a warp takes a row alone up to so many
constexpr std::int64_t thread_keeps = 32;      // elements of a row, in registers (grid.cpp)
constexpr std::int64_t rows_of_block = 4;      // where a warp takes a row
constexpr std::int64_t threads_wanted = 1024;  // for each multiprocessor

std::int64_t power_of_two(std::int64_t at_least) {
  std::int64_t p = 1;
  while (p < at_least) p *= 2;
  return p;
}

/// Rows of which half a warp has all elements at once: several rows to a warp.
bool share_warps(Schedule& s, std::int64_t row, const Machine& machine) {
  if (s.width == 1 || row > s.width * warp / 2 || machine.row_threads > 0) return false;
  s.team = static_cast<int>(power_of_two((row + s.width - 1) / s.width));
  s.teams = static_cast<int>(rows_of_block * warp) / s.team;
  s.threads = s.team * s.teams;
  return true;
}

void take_rows(Schedule& s, const Size& row, const Size& items, const Machine& machine) {
  if (row.is_static() && row.value() <= own_row) {
    s.width = side_by_side(s);
    return;
  }
  if (row.is_static()) s.width = side_by_side(s);
  if (row.is_static() && share_warps(s, row.value(), machine)) return;
  while (s.width > 1 && row.value() < s.width * warp) s.width = s.width > 4 ? 4 : 1;
  const std::int64_t many = items.is_static() ? items.value() : most_threads * machine.threads;
  std::int64_t team = point_threads;
  if (row.is_static()) {
    const std::int64_t all = power_of_two((row.value() + s.width - 1) / s.width);
    const bool few = many < 2L * machine.threads;
    std::int64_t wanted = few ? all : all / rounds;
    if (all <= warp * std::min(warp_rounds, thread_keeps / s.width) &&
        many * warp >= threads_wanted / 2 * machine.threads)
      wanted = warp;
    if (machine.row_threads > 0) wanted = machine.row_threads;
    team = std::clamp(std::min(wanted, all), warp, most_threads);
  }
  s.team = static_cast<int>(team);
  s.teams = team == warp && many >= rows_of_block * machine.threads ? static_cast<int>(rows_of_block) : 1;
  s.threads = s.team * s.teams;
}

void take_columns(Schedule& s, const Size& row, const Size& items, const Machine& machine) {
  if (!items.is_static() || !row.is_static() || items.value() == 0) return;
  const std::int64_t wanted = threads_wanted * machine.threads / items.value();
  const std::int64_t columns = std::min(warp, power_of_two(items.value()));
  const std::int64_t most = std::min(most_threads / columns, power_of_two(row.value()) / 4);
  std::int64_t team = std::min(power_of_two(wanted), most);
  // A column that is read again stays in registers.
  if (std::ranges::any_of(s.stores, &Store::full) && row.value() > own_row)
    team = std::max(team, std::min(most, power_of_two((row.value() + own_row - 1) / own_row)));
  if (team < 2) return;
  s.across = true;
  s.team = static_cast<int>(team);
  s.teams = static_cast<int>(columns);
  s.threads = s.team * s.teams;
}

}  // namespace

void spread_over_blocks(Schedule& s, const Machine& machine) {
  s.threads = point_threads;
  if (s.kind == Schedule::Kind::pointwise) {
    s.width = product_of(s.group, s.decoded).is_static() ? side_by_side(s) : 1;
    return;
  }
  const Size row = product_of(s.group, {s.group.reduced.begin(), s.group.reduced.end()});
  const Size items = product_of(s.group, s.decoded);
  if (s.kind == Schedule::Kind::rows)
    take_rows(s, row, items, machine);
  else
    take_columns(s, row, items * s.size(s.vector_axis), machine);
}

}  // namespace burnish::compiler
