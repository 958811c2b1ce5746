#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace burnish::compiler {

struct Language;
struct Schedule;

/// A kernel's text and how to launch it.
struct Emitted {
  std::string source;               ///< the function alone, without the prelude
  std::vector<std::string> inputs;  ///< tensors in the order of the arguments; outputs follow, then sizes
  std::vector<std::string> outputs;
  std::vector<std::string> symbols;
  std::optional<Expr> range, grain;                ///< on a CPU
  std::optional<std::array<Expr, 3>> grid, block;  ///< on a GPU
};

/// Writes a schedule as a kernel called `name`, in the form that the language's devices take; nothing where that cannot
/// be (too many buffers, a type or function that the language lacks).
std::optional<Emitted> emit(const Schedule& schedule, const std::string& name, const Language& language);

/// The forms. Loops over a part of a range, one thread each, vectors along the innermost loop: CPUs.
std::optional<Emitted> emit_loops(const Schedule& schedule, const std::string& name, const Language& language);
/// A grid of threadgroups: a thread takes some elements or a row, or a threadgroup takes a row: GPUs.
std::optional<Emitted> emit_grid(const Schedule& schedule, const std::string& name, const Language& language);

}  // namespace burnish::compiler
