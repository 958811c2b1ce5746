#pragma once
#include "compiler/fuse/schedule.h"
#include "compiler/languages.h"

namespace burnish::compiler {

/// A kernel's text and how to launch it.
struct Emitted {
  std::string source;               ///< the function alone, without the prelude
  std::vector<std::string> inputs;  ///< tensors in the order of the arguments; outputs follow, then sizes
  std::vector<std::string> outputs;
  std::vector<std::string> symbols;
  Expr range = 1, grain = 1;
};

/// Writes a schedule as a kernel called `name`; nothing where it cannot (too large a block for the stack, say).
std::optional<Emitted> emit(const Schedule& schedule, const std::string& name, const Language& language);

}  // namespace burnish::compiler
