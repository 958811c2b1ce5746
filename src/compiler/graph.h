#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// Asks for a CUDA graph (Options::graph) where a call has launches enough: replaying costs one launch and one copy for
/// each input and result. Not where the plan makes a choice, which a graph does not see. Stands last, where it is known
/// what became of the steps.
Result<Plan> ask_for_graph(Plan plan, Context& context);

}  // namespace burnish::compiler
