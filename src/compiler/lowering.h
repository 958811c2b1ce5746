#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// Brings dimension arguments to one form (negative, in order), so that a rule needs one row for transpose(-2, -1).
void normalise_dims(OpStep& step, const Context& context);

/// einsum of two operands as products, sums and views: pointwise where nothing is contracted between two free sides,
/// else one batched product. Empty where the equation has a form that is not known (ellipsis, a letter twice).
std::vector<OpStep> lower_einsum(const OpStep& step, Context& context);

/// A sum, maximum or minimum over a whole large tensor in two steps, so that all threads have a part of it. Empty where
/// it is small or does not divide along the tensor's dimensions.
std::vector<OpStep> split_reduction(const OpStep& step, Context& context);

/// The same for a GPU, and for few long rows or columns: parts of a row for many threadgroups, then those parts'
/// results.
std::vector<OpStep> split_rows(const OpStep& step, Context& context);

/// A step that gives a tensor's elements in another type, for fusion to take in; it notes the result's type.
OpStep convert(Context& context, const std::string& made, const std::string& from, DType dtype);

}  // namespace burnish::compiler
