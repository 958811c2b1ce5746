#pragma once
#include <vector>

#include "base/json.h"
#include "plan/plan.h"

/// Parts of plans as JSON, for the printers of this folder.
namespace burnish {

/// An integer where the expression is one, else its text.
json expr_to_json(const Expr& expr);
json exprs_to_json(const std::vector<Expr>& exprs);
json strides_to_json(const Strides& strides);

}  // namespace burnish
