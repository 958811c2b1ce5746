#pragma once
#include "plan/plan.h"
#include "runtime/instructions.h"
#include "runtime/scope.h"

namespace burnish {

/// Finds the operator of a step and turns its arguments into stack items as the operator's schema says: defaults filled
/// in, numbers as Scalar, int, float or bool, single integers spread over int[n], literals resolved. `out` is left
/// empty. Errors name the argument and quote the schema.
Result<OpInstruction> resolve_op(const OpStep& step, Scope& scope);

/// The schema of an operator as text, "aten::mm(Tensor self, Tensor mat2) -> Tensor".
Result<std::string> schema_text(const std::string& op);

}  // namespace burnish
