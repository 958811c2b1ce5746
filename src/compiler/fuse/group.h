#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/context.h"
#include "compiler/fuse/point_ops.h"

/// What becomes one kernel: a dataflow of loads, pointwise operators and reductions over one space of axes.
///
/// Every dimension of every value is a list of axes (outermost first; empty where its size is one). A load brings fresh
/// axes; an operator makes the axes of its operands equal; a reshape regroups them, splitting one where a boundary asks
/// for it. So transposes, reshapes, broadcasting and slices cost nothing: they only say which axes a load strides over.
namespace burnish::compiler {

using Dims = std::vector<std::vector<int>>;

/// A view of a node: which axes its dimensions run over.
struct Value {
  int node = -1;
  Dims dims;
};

struct Operand {
  int value = -1;  ///< index into Group::values, or -1 for a number
  double number = 0;
  std::string size;  ///< a number that the call's sizes give: its expression, instead of `number`
};

enum class NodeKind { load, point, reduce, index };

struct Node {
  NodeKind kind = NodeKind::load;
  std::string name;  ///< tensor that a load reads, or that the node makes
  DType dtype = DType::float32;
  // load; of an index (arange): its first number, and steps as strides
  Size offset = 0;
  std::map<int, Size> strides;  ///< elements by axis; an axis that is absent does not move
  // point
  const PointOp* op = nullptr;
  DType compute = DType::float32;  ///< type that the arguments are converted to
  std::vector<Operand> operands;   ///< of a reduction: one
  // reduce
  std::string reduction;  ///< sum, amax, amin, prod, argmax, argmin
  int value = -1;         ///< the node's own view in Group::values
};

struct Group {
  std::vector<Size> axes;
  std::vector<Node> nodes;  ///< in dataflow order
  std::vector<Value> values;
  std::set<int> reduced;               ///< axes that the group's reductions run over
  std::map<std::string, int> outputs;  ///< tensor -> value, for all that steps outside or the result read

  std::set<int> axes_of(int value) const;           ///< axes of a value's dimensions
  std::vector<std::set<int>> dependencies() const;  ///< by node, the axes that its elements really differ over
};

/// Who makes and reads what, for one version of a plan's steps.
struct StepIndex {
  std::map<std::string, int> producer;
  std::map<std::string, std::vector<int>> consumers;
  std::set<std::string> results;
};
StepIndex index_steps(const Plan& plan);

/// True for operators that only rearrange indices (view, permute, slice, chunk ...).
bool is_view(const OpStep& step);
/// True if fusion knows the step: a row of the pointwise table or a reduction, of types that kernels handle.
bool is_fusable(const OpStep& step, const Context& context);
bool is_reduction(const OpStep& step);

/// A tensor as part of another: element strides by dimension, through all views that fusion understands.
struct StridedTensor {
  std::string base;  ///< the tensor in memory; a `layout` step must make sure that it lies as its type says
  Size offset;
  std::vector<Size> shape, strides;
};
std::optional<StridedTensor> find_strides(const Plan& plan, const StepIndex& index, const Context& context,
                                          const std::string& name);

/// The group of these steps, or nothing where they cannot be one kernel.
std::optional<Group> build_group(const Plan& plan, const StepIndex& index, const Context& context,
                                 const std::set<int>& members);

}  // namespace burnish::compiler
