#pragma once
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "plan/plan.h"

namespace burnish::compiler {

struct Emitted;
struct Machine;
struct Schedule;

/// The types of elements in memory; empty: the language has none.
struct Elements {
  std::string_view float32 = "float", float64, int64, int32;
  std::string_view float16, bfloat16;  ///< in registers their values are floats
  std::string_view byte;               ///< of bool and uint8
  std::string_view other;              ///< of the rest
};

/// All that differs between the languages that kernels are written in, as text for fmt. The emitters never ask which
/// language they have. The pointwise table's code (fuse/point_ops.cpp) calls b_* functions, which each language's
/// prelude has.
struct Language {
  std::string_view target;              ///< of the plans whose kernels are written in it
  std::string_view file;                ///< name of the source file
  std::string (*prelude)();             ///< the text in front of the kernels
  std::string_view kernel;              ///< {name} {args} {threads}: the head of a kernel
  std::string_view enter;               ///< in front of its body
  std::string_view input;               ///< {type} {name} {slot}
  std::string_view output;              ///< {type} {name} {slot}
  std::string_view size;                ///< {type} {name} {slot}
  std::string_view index, small_index;  ///< the integer types of indices: of all, and of those below 2^31
  std::string_view items;               ///< loop over this call's part of the range, {i}
  std::string_view loop;                ///< {i} {begin} {end}: a sequential loop
  std::string_view vector;              ///< in front of a loop whose iterations are independent
  std::string_view unroll;              ///< in front of a loop of a few iterations
  std::string_view unroll_some;         ///< in front of a long loop over memory
  std::string_view unroll_columns;      ///< the same where a thread takes one element at a time of a column
  Elements elements;
  // Devices with threadgroups.
  std::string_view shared;            ///< {type} {name} {n}: an array of the threadgroup
  std::string_view side_by_side;      ///< {n}: the type of so many floats side by side, in registers
  std::string_view load, store;       ///< {n} {place} (and {value}); a load's place is aligned to one element
  std::string_view narrow_rows;       ///< what the variant with one simdgroup to a row is called
  std::string_view device;            ///< of tensors that the compiler's own steps make, where that is not the CPU
  bool splits_rows = false;           ///< whether few long rows are reduced in two kernels
  bool turns_short_rows = true;       ///< whether rows of a few elements lie across lanes, as columns do
  bool epilogues = false;             ///< whether its target's products of halves take an activation in
  bool library = false;               ///< whether src/compiler/library's calls are for its target
  std::size_t most_arguments = 1024;  ///< of a kernel
  std::span<const std::string_view> lacks;  ///< b_* functions that the prelude has not
  /// The device's side: how a schedule's axes are spread over threads, and the form of its kernels.
  void (*spread)(Schedule&, const Machine&);
  std::optional<Emitted> (*emit)(const Schedule&, const std::string& name, const Language&);

  std::string_view storage(DType dtype) const;   ///< type of an element in memory; empty: the language has none
  std::string_view variable(DType dtype) const;  ///< type of a value in a register
  bool has(DType dtype) const { return !storage(dtype).empty(); }
};

extern const Language cpp, msl, cuda;

/// The language of a target's kernels; null where the compiler writes none for it.
const Language* language_of(std::string_view target);

}  // namespace burnish::compiler

namespace burnish {
// What kernels call, embedded by the build: vector_math.h is common, integers.h C++'s and CUDA's, the other files are
// one language's.
std::string_view cpp_primitives();
std::string_view vector_math();
std::string_view integers();
std::string_view cpp_lanes();
std::string_view metal_primitives();
std::string_view metal_groups();
std::string_view cuda_primitives();
std::string_view cuda_halves();
std::string_view cuda_groups();
}  // namespace burnish
