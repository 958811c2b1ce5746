#pragma once
#include <span>
#include <string_view>

#include "compiler/context.h"

namespace burnish::compiler {

/// A rewrite as data: text in the language of term.h. tests/compiler draws tensors for both sides of every row.
struct Rule {
  std::string_view name;
  std::string_view pattern;
  std::string_view replacement;
  RuleClass kind = RuleClass::same;
  std::string_view why = {};  ///< a model that has it, or the numerical reason
};

/// Composite operators in terms of few: what fusion can join with its neighbours.
std::span<const Rule> canonical_forms();
/// Algebra: less work for the same result.
std::span<const Rule> algebra();

/// Applies algebra() until nothing fires. Stands first: it wants composite operators whole.
Result<Plan> apply_rules(Plan plan, Context& context);
/// Takes composite operators apart by canonical_forms(). Stands before `fuse`, after the passes that look for whole
/// operators.
Result<Plan> canonicalise(Plan plan, Context& context);
/// One step for equal steps. Stands after canonicalise, which writes the same thing twice.
Result<Plan> share_equal_steps(Plan plan, Context& context);
/// Moves what depends on parameters alone to `prepare`, within its budget. Stands after all rewrites of ATen steps.
Result<Plan> prepare_parameters(Plan plan, Context& context);

}  // namespace burnish::compiler
