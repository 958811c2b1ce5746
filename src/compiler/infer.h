#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// The type of a step's result, for the operators that rules write: pointwise ones, reductions, views, creations, and
/// products. Others keep the exporter's types, so this is asked only of steps that the compiler made.
Result<Type> infer(const OpStep& step, const Context& context);

}  // namespace burnish::compiler
