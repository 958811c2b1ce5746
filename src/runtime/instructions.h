#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plan/expr.h"

/// The form that runs: a flat list of instructions over numbered slots. compile.h makes it from a plan, execute.h runs
/// it.
namespace burnish {

/// Where a tensor is: slot `index` of the call's frame, or, below zero, entry `~index` of the bound plan's fixed
/// tensors (parameters, constants, then what prepare made). `last` is the last use of a slot's tensor, which may then
/// be moved.
struct Operand {
  static constexpr std::int32_t none = INT32_MIN;  ///< no tensor: null in a plan
  std::int32_t index = none;
  bool last = false;

  static Operand fixed(std::size_t entry) { return {~static_cast<std::int32_t>(entry)}; }
  bool is_none() const { return index == none; }
  bool is_slot() const { return index >= 0; }
};

/// An expression as postfix code; one constant and one symbol, the usual cases, need no code.
struct FlatExpr {
  enum class Kind : std::uint8_t { constant, symbol, code } kind = Kind::constant;
  std::int64_t value = 0;  ///< the constant, or the symbol's number
  struct Item {
    Expr::Node::Kind kind;
    std::int64_t value;  ///< constant, symbol's number, or dimension
    Operand tensor;
  };
  std::vector<Item> code;
};

/// One value of an operator's stack.
struct StackItem {
  enum class Kind : std::uint8_t {
    constant,          ///< `constant`, the same in every call
    tensor,            ///< operands[0], which may be none for an optional tensor
    tensors,           ///< Tensor[]
    optional_tensors,  ///< Tensor?[]
    integer,           ///< exprs[0]: int, SymInt or Scalar
    decimal,           ///< exprs[0] as a double
    wrapped,           ///< exprs[0] as a tensor of no dimensions that does not promote types
    integers,          ///< exprs as int[] or SymInt[]
  } kind = Kind::constant;
  c10::IValue constant;
  std::vector<Operand> operands;
  std::vector<FlatExpr> exprs;
};

struct OpInstruction {
  c10::OperatorHandle op;
  std::vector<StackItem> stack;
  std::vector<std::int32_t> out;  ///< slots, -1 drops the result
  bool out_is_list = false;       ///< the operator returns one Tensor[], whose elements `out` names
};

/// One argument of a kernel: a pointer, an integer or a float, as the kernel's signature says.
struct KernelArgument {
  char letter = 'p';
  Operand tensor;
  std::optional<FlatExpr> expr;  ///< the element offset of a pointer, or the number
  float decimal = 0;             ///< letter f without an expression
};

struct GpuKernel;    // launch_cuda.h
struct MetalLaunch;  // launch_metal.h

using KernelEntry = void (*)(std::int64_t begin, std::int64_t end, void* const* args);

/// The sizes of a launch on a GPU.
struct GpuLaunch {
  std::shared_ptr<GpuKernel> kernel;
  std::vector<FlatExpr> grid, block, cluster;  ///< x, y, z; cluster may be empty
  std::optional<FlatExpr> shared_bytes;
  bool cooperative = false;
};

struct LaunchInstruction {
  KernelEntry entry = nullptr;  ///< on a CPU
  FlatExpr range, grain;
  std::vector<KernelArgument> args;
  std::shared_ptr<GpuLaunch> gpu;      ///< on a GPU, else null
  std::shared_ptr<MetalLaunch> metal;  ///< on the emulator of Metal, else null
};

/// How a made tensor lies in memory.
struct Layout {
  std::optional<c10::MemoryFormat> format;  ///< none: `strides`, or, where those are empty, any: dense as `like` lies
  std::vector<FlatExpr> strides;
};

struct AllocateInstruction {
  std::int32_t out = -1;
  bool zero = false;
  c10::DeviceType device = c10::DeviceType::CPU;  ///< where there is nothing to be like
  Operand like;                                   ///< none: `shape` and `dtype` say it
  std::optional<c10::ScalarType> dtype;
  std::optional<std::vector<FlatExpr>> shape;
  Layout layout;
};

struct LayoutInstruction {
  std::int32_t out = -1;
  Operand of;
  Layout layout;
};

/// Gives a tensor a second slot: what a function returns of its arguments, and what a choice's branches yield.
struct MoveInstruction {
  std::int32_t out = -1;
  Operand of;
};

/// Continues at `target` where the flag is false.
struct BranchInstruction {
  Operand flag;
  std::size_t target = 0;
};

struct JumpInstruction {
  std::size_t target = 0;
};

/// Starts a loop that is not unrolled: sets its variable, or continues at `target` where there is no round.
struct LoopInstruction {
  std::size_t variable = 0;  ///< symbol of the frame; the next one keeps the end
  FlatExpr begin, end;
  std::size_t target = 0;
};

/// Ends a round: continues at `target`, the loop's first instruction, where another follows.
struct RepeatInstruction {
  std::size_t variable = 0;
  std::size_t target = 0;
};

struct Instruction {
  std::variant<OpInstruction, LaunchInstruction, AllocateInstruction, LayoutInstruction, MoveInstruction,
               BranchInstruction, JumpInstruction, LoopInstruction, RepeatInstruction>
      what;
  std::vector<std::int32_t> release;  ///< slots that nothing reads after this instruction
  std::string where;                  ///< "steps[3] op aten::mm", for errors and profiles
};

struct Code {
  std::vector<Instruction> instructions;
  std::size_t slots = 0;
};

}  // namespace burnish
