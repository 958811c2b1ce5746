#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.h"
#include "runtime/input_guards.h"
#include "runtime/instructions.h"
#include "runtime/kernels.h"

namespace burnish {

/// A plan made ready to run, for any set of parameters. Immutable; share it between threads.
struct Program {
  /// What an entry of the fixed tensors is: index into params, constants or kept.
  struct Fixed {
    enum class Kind { param, constant, prepared } kind;
    std::size_t index;
  };
  /// A leaf of the result tree: a tensor, an integer of the call, or a literal.
  struct Leaf {
    Operand tensor;
    std::optional<FlatExpr> expr;
    c10::IValue literal;
  };

  Plan plan;
  std::vector<std::pair<std::string, std::string>>
      params;  ///< name, path: the plan's own, then those that functions add
  std::vector<at::Tensor> constants;
  std::vector<Fixed> fixed;
  std::vector<std::int32_t> kept;          ///< slots of `prepare` that steps read
  std::vector<std::size_t> prepare_reads;  ///< params and constants (fixed entries) that prepare reads
  Code prepare, steps;
  std::vector<std::int32_t> input_slots;  ///< one an input; -1 for inputs that are no tensors
  InputGuards guards;
  std::size_t symbols = 0;            ///< of a frame: the call's, then those of loops
  std::vector<Leaf> result;           ///< depth first
  std::vector<LoadedKernel> kernels;  ///< keeps their code loaded
};

/// Loads plan.json (and constants.safetensors) of a folder, checks it, resolves every operator and kernel.
/// `kernels`: source file name -> compiled shared object (see KernelLoader). Errors name file, step and argument.
burnish::Result<std::shared_ptr<const Program>> load_program(const std::filesystem::path& folder,
                                                             const std::map<std::string, std::string>& kernels);

}  // namespace burnish
