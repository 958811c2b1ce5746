#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/fuse/emit.h"
#include "compiler/fuse/schedule.h"
#include "compiler/languages.h"

namespace burnish::compiler {

/// What the kernels of all devices share: which node is computed at which stage, and the text of one element. A stage
/// ends where reductions over the whole row are complete; what needs their results belongs to the next.
class KernelText {
 protected:
  KernelText(const Schedule& schedule, std::string name, const Language& language);

  const Node& node(int n) const { return g_.nodes[static_cast<std::size_t>(n)]; }
  int node_of(const Operand& o) const { return g_.values[static_cast<std::size_t>(o.value)].node; }
  bool depends(int n, int axis) const { return depends_[static_cast<std::size_t>(n)].contains(axis); }
  /// Whether something is decided on a node's value, here or further on: then it must be what eager has, who rounds
  /// each half that it computes.
  bool is_decided_on(int n) const { return decided_on_.contains(n); }
  /// Whether it differs along the reduced axes.
  bool is_full(int n) const;
  int stage_of(int n) const { return stage_[static_cast<std::size_t>(n)]; }

  // Stages.
  bool find_stages();  ///< false: this cannot be one kernel
  std::vector<int> reductions_of(int stage) const;
  std::vector<int> roots_of(int stage) const;
  /// Nodes that the roots need, in order, stopping at those that are already there.
  std::vector<int> needed(const std::vector<int>& roots, const std::set<int>& there) const;
  bool uses(const std::vector<int>& nodes, const std::vector<int>& roots, int n) const;
  bool wanted_later(int n, int stage) const;
  bool is_dear(int n) const;

  // Text.
  std::string literal(double v, DType type) const;
  std::string index(const std::map<int, Size>& strides, const Size& offset) const;
  std::string operand(const Operand& o, DType type) const;
  /// How a node's value is written where it is used: a variable, or an element of a block's array.
  std::string value_text(int n) const;
  std::string rounded(const std::string& value, DType type) const;
  std::string compared(const Node& n, const Operand& o) const;
  std::string expression(int id) const;
  std::string declare(int id) const;
  std::string store(std::size_t i) const;
  std::string decode(const std::string& item, const std::vector<int>& axes, std::string pad) const;

  // Reductions.
  DType total_type(const Node& n) const;
  std::string initial(const Node& n) const;
  /// A sum of floats: long ones need more digits than a float has.
  bool sums_floats(const Node& n) const;
  Size row_size() const;

  /// The kernel around its body.
  Emitted finish(const std::string& body);

  const Schedule& s_;
  const Group& g_;
  std::string name_;
  const Language& lang_;
  std::string_view index_type_;
  std::vector<std::set<int>> depends_;
  std::set<int> decided_on_;
  std::vector<int> stage_;  ///< after how many reductions a node can be computed
  int stages_ = 0;
  std::map<std::string, int> tensors_;
  std::vector<std::string> tensor_order_;
  std::map<std::string, DType> tensor_type_;
  std::map<int, bool> arrays_;         ///< nodes that are arrays over a block's columns
  std::map<int, std::string> loaded_;  ///< loads whose element is in a register already, and which
  std::map<int, std::string> caches_;  ///< nodes kept between stages, and where
  std::set<int> stored_;
  std::set<std::size_t> lent_;  ///< outputs whose memory is such a place

 private:
  void name_tensors();
  void find_decisions();
  std::vector<std::string> symbols() const;
};

}  // namespace burnish::compiler
