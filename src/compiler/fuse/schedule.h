#pragma once
#include "compiler/fuse/group.h"

namespace burnish::compiler {

/// An output of the kernel: the tensor that it fills, contiguous, and how its elements lie over the axes.
struct Store {
  std::string name;
  int node = -1;
  std::map<int, Size> strides;
  bool full = false;  ///< one element for each point of the whole space, not only of the outer axes
};

/// How a group's axes become loops. Axes that lie side by side in every tensor are merged into one.
struct Schedule {
  enum class Kind {
    pointwise,  ///< no reduction
    rows,       ///< the innermost axis is reduced: one row after the other, lanes along it
    columns,    ///< the innermost axis is not: blocks of it side by side, the reduced axes as loops around
  } kind = Kind::pointwise;
  Group group;  ///< with merged axes
  std::vector<Store> stores;
  std::vector<int> decoded;  ///< axes of the kernel's range, outermost first
  std::vector<int> loops;    ///< axes of the loops inside, outermost first, without the vector axis
  int vector_axis = -1;      ///< innermost loop; -1 for a space of one point
  std::int64_t block = 0;    ///< elements of the vector axis that one item of the range takes; 0: all of it
  // On a GPU all outer axes are decoded, and `loops` with the vector axis, where that is reduced, are a row.
  int threads = 0;  ///< of a threadgroup
  int team = 1;     ///< threads that share a row
  int teams = 1;  ///< of a threadgroup, where rows are shared; several only if a team is at most a simdgroup, or across
  bool across = false;  ///< neighbouring threads have neighbouring rows: a team's threads lie `teams` apart
  int width = 1;        ///< elements side by side that a thread takes at once: one, four, or eight halves
  Size size(int axis) const { return group.axes[static_cast<std::size_t>(axis)]; }
};

/// Merges and orders the axes, then spreads them as the device of the context's language wants it.
std::optional<Schedule> make_schedule(Group group, const Context& context);

/// The devices' side (languages.h): a range with loops inside, and a grid of threadgroups, on Apple's and NVIDIA's
/// GPUs.
void spread_over_loops(Schedule& schedule, const Machine& machine);
void spread_over_grid(Schedule& schedule, const Machine& machine);
void spread_over_blocks(Schedule& schedule, const Machine& machine);

/// How many elements side by side a thread can take: four where some tensor of floats or halves lies so along the
/// vector axis, eight where the largest of them are halves, else one.
int side_by_side(const Schedule& schedule);

/// Number of elements, as a size.
Size product_of(const Group& group, const std::vector<int>& axes);
/// About how many vector instructions one point of the space takes.
int cost_of(const Group& group);

}  // namespace burnish::compiler
