#pragma once
#include <memory>
#include <string>

#include "agents/agent.h"
#include "compiler/context.h"

namespace burnish {

/// The built-in compiler (src/compiler): proposes plans with kernels, best guess first. Deterministic, needs no key.
std::unique_ptr<Agent> make_compiler();

/// What schedules are made for: this machine, its GPU (where there is none: an H100), or an Apple M4 Max, which the
/// emulator stands for.
compiler::Machine machine_of(const std::string& target);

}  // namespace burnish
