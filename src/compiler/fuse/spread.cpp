#include <algorithm>

#include "compiler/fuse/schedule.h"

namespace burnish::compiler {
namespace {

/// Axes enough for the range to keep all threads busy, the rest as loops inside.
void spread_points(Schedule& s, const Machine& machine) {
  if (s.vector_axis < 0) return;
  const std::vector<int> order = std::move(s.decoded);
  const Size last = s.size(s.vector_axis);
  Size many = 1;
  std::size_t taken = 0;
  while (taken < order.size() && !(many.is_static() && many.value() >= 32L * machine.threads))
    many = many * s.size(order[taken++]);
  s.decoded.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(taken));
  s.loops.assign(order.begin() + static_cast<std::ptrdiff_t>(taken), order.end());
  if (taken == order.size() && !order.empty() && many.is_static() && many.value() < 32 && last.is_static() &&
      last.value() >= 8192)
    s.block = 2048;
}

/// Blocks wide enough for long runs of memory, narrow enough that a block of the whole row stays in the second cache.
void block_columns(Schedule& s, const Machine& machine) {
  const Size row = product_of(s.group, s.loops);
  std::int64_t block = 1024;
  if (row.is_static() && row.value() > 0)
    block = std::clamp<std::int64_t>(machine.l2_bytes / 16 / row.value() / 16 * 16, 64, 1024);
  if (const Size v = s.size(s.vector_axis); v.is_static()) {
    const Size items = product_of(s.group, s.decoded);
    const std::int64_t wanted = 4L * machine.threads;  // items of the range, so that all threads have work
    if (items.is_static() && items.value() < wanted && items.value() > 0)
      block = std::min(block, std::max<std::int64_t>(16, (v.value() * items.value() / wanted + 15) / 16 * 16));
    block = std::min(block, v.value());
  }
  s.block = std::max<std::int64_t>(1, block);
}

// Of a GPU. Four rounds of a thread over a row hide the latency of memory and keep the row in registers; a threadgroup
// has at most 1,024 threads.
constexpr std::int64_t simdgroup = 32, most_threads = 1024, rounds = 4, point_threads = 256;
constexpr std::int64_t own_row = 16;      // a thread takes a row of so many elements alone
constexpr std::int64_t few_items = 4096;  // fewer threads leave a GPU idle: then a threadgroup shares a row
constexpr std::int64_t long_column = 64;

std::int64_t power_of_two(std::int64_t at_least) {
  std::int64_t p = 1;
  while (p < at_least) p *= 2;
  return p;
}

}  // namespace

int side_by_side(const Schedule& s) {
  if (s.vector_axis < 0) return 1;
  const Size v = s.size(s.vector_axis);
  if (!v.is_static() || v.value() % 4 != 0) return 1;
  double floats = 0, halves = 0;  // elements of the largest tensor of each
  const auto see = [&](DType dtype, const std::map<int, Size>& strides) {
    const auto it = strides.find(s.vector_axis);
    if (register_type(dtype) != DType::float32 || it == strides.end() || !it->second.is(1)) return;
    double elements = 1;
    for (const auto& [axis, stride] : strides)
      if (!stride.is(0)) elements *= s.size(axis).is_static() ? static_cast<double>(s.size(axis).value()) : 1e6;
    double& most = is_half(dtype) ? halves : floats;
    most = std::max(most, elements);
  };
  for (const Node& n : s.group.nodes)
    if (n.kind == NodeKind::load) see(n.dtype, n.strides);
  for (const Store& st : s.stores) see(s.group.nodes[static_cast<std::size_t>(st.node)].dtype, st.strides);
  if (halves > floats && v.value() % 8 == 0) return 8;
  return std::max(halves, floats) > 0 ? 4 : 1;
}

namespace {

/// Threads that share a row of so many elements, `width` at a time.
std::int64_t team_for(const Size& row, const Size& items, int width, const Machine& machine) {
  if (!row.is_static()) return point_threads;
  const std::int64_t all = power_of_two((row.value() + width - 1) / width);
  const bool few = items.is_static() && items.value() < 2L * machine.threads;
  const std::int64_t wanted = machine.row_threads > 0 ? machine.row_threads : few ? all : all / rounds;
  return std::clamp(std::min(wanted, all), simdgroup, most_threads);
}

}  // namespace

void spread_over_grid(Schedule& s, const Machine& machine) {
  s.threads = point_threads;
  if (s.kind == Schedule::Kind::pointwise) {
    s.width = product_of(s.group, s.decoded).is_static() ? side_by_side(s) : 1;
    return;
  }
  std::vector<int> reduced(s.group.reduced.begin(), s.group.reduced.end());
  const Size row = product_of(s.group, reduced);
  const bool rows = s.kind == Schedule::Kind::rows;
  Size items = product_of(s.group, s.decoded);
  if (!rows) items = items * s.size(s.vector_axis);
  const bool alone =
      rows ? row.is_static() && row.value() <= own_row
           : !(items.is_static() && items.value() < few_items) || (row.is_static() && row.value() < long_column);
  if (alone) return;
  if (rows && row.is_static() && row.value() >= 4 * simdgroup) s.width = side_by_side(s);
  s.team = static_cast<int>(team_for(row, items, s.width, machine));
  s.threads = s.team;
}

void spread_over_loops(Schedule& s, const Machine& machine) {
  if (s.kind == Schedule::Kind::pointwise) spread_points(s, machine);
  if (s.kind == Schedule::Kind::columns) block_columns(s, machine);
}

}  // namespace burnish::compiler
