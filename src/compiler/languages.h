#pragma once
#include <string_view>

#include "plan/plan.h"

namespace burnish::compiler {

/// All that differs between the languages that kernels are written in, as text for fmt. The emitter never asks which
/// language it has. The pointwise table's code (fuse/point_ops.cpp) calls b_* functions, which each language's prelude
/// has.
struct Language {
  std::string_view kernel;              ///< {name} {args}: the head of a kernel
  std::string_view input;               ///< {type} {name}
  std::string_view output;              ///< {type} {name}
  std::string_view size;                ///< {name}
  std::string_view index;               ///< the integer type of indices
  std::string_view items;               ///< loop over this call's part of the range, {i}
  std::string_view loop;                ///< {i} {begin} {end}: a sequential loop
  std::string_view vector;              ///< in front of a loop whose iterations are independent
  std::string_view file;                ///< name of the source file
  std::string_view (*storage)(DType);   ///< type of an element in memory
  std::string_view (*variable)(DType);  ///< type of a value in a register
};

extern const Language cpp;

}  // namespace burnish::compiler

namespace burnish {
/// The text in front of every C++ kernel: runtime/vector_math.h, embedded by the build.
std::string_view vector_math();
}  // namespace burnish
