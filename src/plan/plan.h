#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "plan/expr.h"

/// The plan as a value. docs/plan.md is the reference of its JSON form; plan/parse.h reads it, plan/print.h writes it,
/// plan/check.h says whether it is legal. Nothing here knows PyTorch.
namespace burnish {

enum class DType {
  float16,
  bfloat16,
  float32,
  float64,
  uint8,
  int8,
  int16,
  int32,
  int64,
  bool_,
  complex64,
  complex128
};

/// How a tensor lies in memory. `explicit_` carries element strides; `any` accepts whatever comes.
struct Strides {
  enum class Kind { contiguous, channels_last, channels_last_3d, any, explicit_ } kind = Kind::contiguous;
  std::vector<Expr> values;
};

/// A tensor argument of forward and its guards. A size that is a bare symbol is bound by the call.
struct InputTensor {
  std::string name;
  std::string path;  ///< where it sits in forward's arguments: "x", "xs[0]", "batch['mask']"; equal to name by default
  DType dtype = DType::float32;
  std::vector<Expr> shape;
  Strides strides;
};

/// An argument that is no tensor, guarded by value (null, boolean, number or string).
struct InputValue {
  std::string name, path;
  json value;
};
using Input = std::variant<InputTensor, InputValue>;

/// One argument of a step. A JSON string becomes a Name if it names a tensor in scope, else an Expr.
struct Arg {
  struct None {};
  struct Name {
    std::string tensor;
    std::optional<Expr> offset;  ///< launch only: element offset added to the pointer, {"of": "x", "offset": "n * 4"}
  };
  struct Literal {
    std::string kind, text;  ///< {"dtype": "float16"}, {"memory_format": ..}, {"float": "-inf"}, {"str": ..},
                             ///< {"device": ..}, {"layout": ..}
  };
  std::variant<None, bool, std::int64_t, double, Name, Expr, Literal, std::vector<Arg>> value;
};

/// An ATen or burnish:: operator with its overload: "aten::add.Tensor".
struct OpStep {
  std::string op;
  std::vector<Arg> args;
  std::vector<std::pair<std::string, Arg>> kwargs;
  std::vector<std::string> out;  ///< "" drops a result
};

/// A kernel from source. On a CPU `range` is split by at::parallel_for with at least `grain` a piece; GPUs use the
/// rest.
struct LaunchStep {
  std::string kernel;
  std::optional<Expr> range, grain;
  std::optional<std::array<Expr, 3>> grid, block, cluster;
  std::optional<Expr> shared_bytes;
  bool cooperative = false;
  std::vector<Arg> args;
};

/// {"empty": "y", ...} or {"zero": "y", ...}: a new tensor, like another one or by dtype and shape.
struct AllocateStep {
  std::string out;
  bool zero = false;
  std::optional<std::string> like;
  std::optional<DType> dtype;
  std::optional<std::vector<Expr>> shape;
  Strides strides;
};

/// {"layout": "b", "of": "a", "strides": ...}: b is a in that layout, a itself where it already lies so.
struct LayoutStep {
  std::string out, of;
  Strides strides;
};

/// {"call": "block", "args": [...], "out": [...], "params": "layers.{i}.", "for": "i", "in": [0, 12]}
/// In a loop the outputs of one iteration are the first arguments of the next; the other arguments stay.
struct CallStep {
  std::string function;
  std::vector<std::string> args, out;
  std::string prefix;
  std::string loop;  ///< loop symbol, empty if called once
  Expr begin, end;
};

/// {"if": flag, "then": f, "else": g, "args": [...], "out": [...]}: flag is a one-element bool tensor.
struct ChoiceStep {
  std::string flag, then, otherwise, prefix;
  std::vector<std::string> args, out;
};

using Step = std::variant<OpStep, LaunchStep, AllocateStep, LayoutStep, CallStep, ChoiceStep>;

/// A source file beside the plan, or its text inside it.
struct Kernel {
  std::string source;               ///< file name relative to the plan's folder
  std::optional<std::string> text;  ///< {"text": "..."}: the source itself, for plans that travel in one file
};

/// A sub-plan: called by CallStep and ChoiceStep. Parameter paths are relative to the caller's prefix.
struct Function {
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> params;
  std::vector<Step> prepare, steps;
  std::vector<std::string> result;
};

struct Plan {
  std::string target = "cpu";
  bool graph = false;  ///< cuda: runs are recorded as a CUDA graph and replayed, where that works
  std::vector<Input> inputs;
  std::vector<Expr> where;                                     ///< comparisons over symbols that must hold
  std::vector<std::pair<std::string, std::string>> params;     ///< name -> path of get_parameter / get_buffer
  std::vector<std::pair<std::string, std::string>> constants;  ///< name -> key in constants.safetensors
  std::vector<std::pair<std::string, Kernel>> kernels;
  std::vector<std::pair<std::string, Function>> functions;
  std::vector<Step> prepare, steps;
  json result;       ///< tree of names, null and literals in forward's structure
  json result_type;  ///< optional pytree spec (torch.utils._pytree.treespec_dumps) for classes that JSON cannot say
  json notes;        ///< optional, free: which rules fired, who wrote it; never changes what is computed
};

}  // namespace burnish
