#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.h"

/// What an operator's name alone says about memory. The runtime knows the schema and checks the same by its alias
/// marks.
namespace burnish {

/// "aten::add.out" in its three parts; parts that are absent are empty.
struct OpName {
  std::string_view space, base, overload;
};
OpName split_op(std::string_view op);

/// The arguments that an operator writes to, by the rule of docs/plan.md: the first one where the base name ends in "_"
/// (add_, relu_, __iadd__), the keyword tensors (else the last argument) where the overload is "out" or ends in "_out",
/// and always a keyword named "out". Pointers into `step`.
std::vector<const Arg*> written_by(const OpStep& step);

/// Whether the operator's result is a view of its first argument (aten::select, aten::view, ...).
bool makes_view(std::string_view op);

}  // namespace burnish
