#pragma once
#include <set>
#include <string>
#include <vector>

#include "compiler/context.h"
#include "compiler/fuse/group.h"

namespace burnish::compiler {

/// Groups of steps, grown greedily: each step joins the groups that make its operands, where that is one legal kernel.
class Grouping {
 public:
  Grouping(const Plan& plan, const Context& context);

  void run();

  const StepIndex& index() const { return index_; }
  /// The steps of each group; a group that was merged into another is empty.
  const std::vector<std::set<int>>& groups() const { return groups_; }
  /// -1 of a step that is in no kernel.
  int group_of(std::size_t step) const { return group_of_[step]; }

 private:
  void join(int i, const OpStep& step);
  void find_groups(const std::string& name, std::set<int>& out) const;
  bool try_set(const std::set<int>& members, const std::set<int>& merged);
  bool makes_cycle(const std::set<int>& members) const;
  std::vector<std::string> filled(int s) const;

  const Plan& plan_;
  const Context& context_;
  StepIndex index_;
  std::vector<int> group_of_;
  std::vector<std::set<int>> groups_;
};

}  // namespace burnish::compiler
