#pragma once
#include "compiler/fuse/group.h"

namespace burnish::compiler {

/// Changes to a group's axes while it is built. Each returns false where the change is impossible; the group is then
/// void.
class Axes {
 public:
  explicit Axes(Group& group) : group_(group) {}

  int fresh(Size size);
  /// Splits an axis in an outer and an inner one of `inner` elements, everywhere.
  bool split(int axis, std::int64_t inner);
  /// Makes two lists of axes the same list, everywhere.
  bool unify(std::vector<int> a, std::vector<int> b);
  /// Regroups the axes of a value to another shape.
  bool reshape(int value, const std::vector<Size>& shape, Dims& out);
  Size product(const std::vector<int>& axes) const;
  /// No value may run over an axis twice.
  bool is_sound() const;

 private:
  bool replace(int from, int to);
  Group& group_;
};

/// Adds the value of a view operator's output `which` of a value; -1 where fusion cannot express it.
int apply_view(Group& group, int base, const OpStep& step, std::size_t which, const Context& context);

}  // namespace burnish::compiler
