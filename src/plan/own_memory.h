#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "plan/plan.h"

namespace burnish {

/// Which names of a list of steps share the memory of which `empty` or `zero`, so that passes which move or drop steps
/// know what a write is seen by. Errs on the side of sharing: what an operator returns counts as sharing memory with
/// its tensor arguments.
class OwnMemory {
 public:
  explicit OwnMemory(const std::vector<Step>& steps);

  /// The index of the step that allocated the memory of `name`; none where the list did not. A name that may share
  /// several has the first.
  std::optional<std::size_t> allocation_of(const std::string& name) const;

  /// The allocations that a step reads or writes, and those that it may write. A launch may write to all of its
  /// tensors.
  using Allocations = std::unordered_set<std::size_t>;
  const Allocations& touched_by(std::size_t step) const { return touched_[step]; }
  const Allocations& written_by(std::size_t step) const { return written_[step]; }

 private:
  std::unordered_map<std::string, Allocations> of_name_;
  std::vector<Allocations> touched_, written_;
};

}  // namespace burnish
