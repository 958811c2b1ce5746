#pragma once
#include <memory>

#include "agents/agent.h"

namespace burnish {

/// The built-in compiler (src/compiler): proposes plans with kernels, best guess first. Deterministic, needs no key.
std::unique_ptr<Agent> make_compiler();

}  // namespace burnish
