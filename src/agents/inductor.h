#pragma once
#include <memory>

#include "agents/agent.h"

namespace burnish {
/// PyTorch's own compiler: proposes recipes that compile the user's module as it is.
std::unique_ptr<Agent> make_inductor();
}  // namespace burnish
