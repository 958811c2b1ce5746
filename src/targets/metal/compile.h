#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "targets/metal/translate.h"
#include "targets/object_cache.h"

/// The compile step of the target metal-emulated: Metal source in, checked native object in a content-addressed cache
/// out.
namespace burnish::metal {

struct CompileRequest {
  std::string source;
  bool checked = false;  ///< instrumented, for the engine's checks
  ObjectCache cache;
  bool sandbox = true;  ///< false: --no-sandbox
  double timeout_s = 60;
  std::uint64_t memory_bytes = std::uint64_t{3} << 30;
  std::uint64_t object_bytes = 64 << 20;
};

/// A compiled source: NAME.so with its NAME.json beside it.
struct Compiled {
  std::filesystem::path object;
  std::vector<Kernel> kernels;  ///< number i has the entry mtl_entry_i and the sizes mtl_sizes_i
  std::vector<FunctionConstant> constants;
  std::vector<std::string> shared_names;             ///< of threadgroup variables, by id
  std::vector<std::pair<std::uint64_t, int>> lines;  ///< checked: {address in the object, the user's line}, ascending
  std::vector<std::string> warnings;                 ///< checked: "LINE:COL: text" of variables that are used unset
  int line_of(std::uint64_t address) const;          ///< 0 where not known
};

/// Errors: reason `compile` with "program_source:LINE:COL: error: ..." in `what`, as Metal words it; `unsupported` the
/// same for what the emulator leaves out; `environment` for a missing compiler or sandbox. Blocks; safe from several
/// threads and processes. BURNISH_CLANG names another clang (19 or newer).
Result<Compiled> compile(const CompileRequest& request, const std::function<void(int process_group)>& started = {});

/// Reads what `compile` left: the object's description is in `facts`, or beside it.
Result<Compiled> load_compiled(const std::filesystem::path& object, const std::filesystem::path& facts = {});

}  // namespace burnish::metal
