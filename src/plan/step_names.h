#pragma once
#include <functional>
#include <string>
#include <vector>

#include "plan/plan.h"

/// Which names a step reads and makes: what the checker, lifetimes, inlining and splicing all ask.
namespace burnish {

/// The names that a step assigns, in order; "" where a result is dropped.
std::vector<std::string> outputs_of(const Step& step);

/// What the names and expressions of a step stand for.
struct StepVisitor {
  std::function<void(std::string&)> read;    ///< a tensor that is read (also `like`, and tensors in expressions)
  std::function<void(std::string&)> assign;  ///< a tensor that is made; dropped results are not visited
  std::function<void(Expr&)> expression;     ///< every expression, before the tensors that it mentions
};

/// Visits all names and expressions of a step; each may be changed. Tensors that an expression mentions go through
/// `expression` alone: see tensors_of and rename. Visitors that are empty are skipped.
void visit(Step& step, const StepVisitor& visitor);

/// The tensors that a step reads, expressions included, each once, in order.
std::vector<std::string> inputs_of(const Step& step);

/// All expressions of a step.
std::vector<Expr> expressions_of(const Step& step);

/// The expression with its symbols and tensors replaced; a replacement that is empty leaves the name as it is.
struct Replacement {
  std::function<std::optional<Expr>(const std::string& symbol)> symbol;
  std::function<std::optional<std::string>(const std::string& tensor)> tensor;
};
Expr replace(const Expr& expr, const Replacement& replacement);

/// The functions that a step calls.
std::vector<std::string> functions_of(const Step& step);

}  // namespace burnish
