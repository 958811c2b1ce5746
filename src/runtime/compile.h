#pragma once
#include "runtime/program.h"

namespace burnish {

/// Fills a program whose `plan` is set: inlines functions, unrolls loops, numbers slots, resolves operators and
/// kernels, and finds where each tensor dies. `loader` opens kernels; `constants` gives a constant's tensor by its key.
Status compile_program(Program& program, KernelLoader& loader, const std::map<std::string, at::Tensor>& constants);

}  // namespace burnish
