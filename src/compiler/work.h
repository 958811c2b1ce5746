#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// About how many fp32 operations an operator takes: two for each multiplication of a product, a convolution, attention
/// or a recurrent layer, one for each element that pooling or a scan reads. 0 for others, and where a size is a symbol.
double flops_of(const OpStep& op, const Context& context);

/// What the plan's kernels and library calls compute, for `burnish explain`: {tensor: {"flops", "of"}} by a tensor that
/// the step makes. Kernels' own were noted by the passes that wrote them.
json describe_work(const Plan& plan, const Context& context);

}  // namespace burnish::compiler
