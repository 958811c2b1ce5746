#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

/// The pre-pass: Metal Shading Language to what clang understands as C++ for OpenCL (docs/metal.md says what changes).
namespace burnish::metal {

/// Where one parameter of a kernel comes from.
struct Parameter {
  enum class Kind { buffer, threadgroup, builtin };
  Kind kind = Kind::buffer;
  int index = 0;         ///< of [[buffer(n)]] or [[threadgroup(n)]]
  std::string builtin;   ///< "thread_position_in_grid" ...
  std::string name;      ///< as the user wrote it
  bool writable = true;  ///< false: the kernel cannot write through it (const or constant)
};

struct Kernel {
  std::string name;  ///< as the host asks for it: host_name where given
  int line = 0;
  std::vector<Parameter> parameters;
  int most_threads = 1024;  ///< [[max_total_threads_per_threadgroup(n)]]
};

/// `constant T name [[function_constant(index)]]`.
struct FunctionConstant {
  std::string name, type;
  int index = 0;
};

/// Output columns of one line of the user's source, in order: {ours, the user's}.
using Columns = std::vector<std::pair<int, int>>;

struct Translation {
  std::string text;  ///< for clang; `#line` markers name the user's lines in "program_source"
  std::vector<Kernel> kernels;
  std::vector<FunctionConstant> constants;
  std::vector<std::string> shared_names;  ///< of threadgroup variables, by their ids
  std::map<int, Columns> columns;
};

struct TranslateOptions {
  bool preprocessed = false;  ///< the source carries the markers of a preprocessor
  std::string_view original;  ///< what the preprocessor read: columns are those of this text
};

/// Whether macros or conditions have to be expanded (by clang -E) before `translate` can read the source.
bool needs_preprocessor(std::string_view source);

/// Errors have reason `compile` (the user's fault) or `unsupported` (what the emulator leaves out); `where` is
/// "LINE:COL".
Result<Translation> translate(std::string_view source, const TranslateOptions& options = {});

/// The column that the user wrote for a column of a translated line.
int users_column(const Translation& translation, int line, int column);

}  // namespace burnish::metal
