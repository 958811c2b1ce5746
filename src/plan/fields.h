#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"

/// Readers of single JSON values, each with an error that says what stands there instead. They know nothing of steps.
namespace burnish::fields {

/// "an object", "the string 'x'", "3.5": what a JSON value is, for messages.
std::string describe(const json& value);

/// Refuses a value that is no object, and keys that are not `known`.
Status only(const json& object, std::initializer_list<std::string_view> known);
/// The value under `key`, or null where it is absent.
const json* find(const json& object, std::string_view key);

Result<std::string> string(const json& value);
Result<std::string> name(const json& value);
Result<bool> boolean(const json& value);
Result<DType> dtype(const json& value);
/// An integer, or the text of an expression.
Result<Expr> expr(const json& value);
Result<std::vector<Expr>> exprs(const json& value);
Result<Strides> strides(const json& value);
/// A list of names; "" may stand for one where `blanks`. A single string counts as a list of one.
enum class Blanks { refuse, allow };
Result<std::vector<std::string>> names(const json& value, Blanks blanks = Blanks::refuse);

}  // namespace burnish::fields
