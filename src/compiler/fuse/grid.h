#pragma once
#include "compiler/fuse/kernel_text.h"

namespace burnish::compiler {

/// The form of GPU kernels. Without a reduction a thread takes one element, or four side by side. With one a team takes
/// a row: a thread its own, or a threadgroup one together, its threads striding over the row.
class Grid : KernelText {
 public:
  Grid(const Schedule& schedule, std::string name, const Language& language)
      : KernelText(schedule, std::move(name), language) {}
  std::optional<Emitted> run();

 private:
  bool is_pointwise() const { return s_.kind == Schedule::Kind::pointwise; }
  /// Whether a threadgroup shares a row.
  bool shares() const { return s_.team > 1; }
  /// A thread's number in its team.
  std::string_view lane() const { return s_.teams > 1 ? "lane_" : "thread_"; }
  /// Axes that a thread's elements run over, outermost first: of a row, or all of them.
  std::vector<int> inner_axes() const;
  /// How many times a thread takes elements of a row; 0 where that is not known, or more than registers hold.
  std::int64_t rounds() const;

  // grid.cpp: who computes what
  std::string outer_item(Size& items) const;
  std::string team_item(const Size& items) const;
  std::string outer_nodes(const std::vector<int>& roots, std::set<int>& there);
  std::string one_stage(int stage, const std::vector<int>& roots, std::set<int>& there);
  /// Where a node is kept until a later stage: in registers, or in memory of an output; empty: nowhere.
  std::string cache_place(int n);
  bool worth_keeping(int n) const;

  // grid_elements.cpp: the elements of a thread, and what becomes of them
  /// Runs `nodes`, `body` and the stores over the elements of a row, or over this thread's elements.
  std::string over_elements(const std::vector<int>& nodes, const std::vector<std::size_t>& stores,
                            const std::string& reads, const std::string& body);
  std::string elements(const std::vector<int>& nodes, const std::vector<std::size_t>& stores, const std::string& reads,
                       const std::string& body);
  /// Whether a load, or a store, is of `width` elements side by side.
  bool loads_wide(int n) const;
  bool stores_wide(std::size_t i) const;

  // grid_reduce.cpp
  std::string begin_reduction(int r) const;
  std::string accumulate(int r) const;
  std::string end_reduction(int r);
  bool is_compensated(const Node& n) const;
  std::string part_of(std::string_view type, const std::string& name);

  std::string declarations_;
  std::set<std::string> parts_;  ///< arrays of the threadgroup that are declared
};

}  // namespace burnish::compiler
