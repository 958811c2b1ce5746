#pragma once
#include <memory>

#include "agents/agent.h"

namespace burnish {
/// The library's own switches: memory formats and freezing, as recipes. Never what changes the process for others.
std::unique_ptr<Agent> make_library();
}  // namespace burnish
