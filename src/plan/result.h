#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

/// The result tree of a plan. Lists are tuples or lists, objects are dicts, strings are tensors or integer expressions,
/// numbers, booleans and null are themselves. Other values are an object with a single key that begins with "$":
/// {"$str": "text"}, {"$float": "inf"}.
namespace burnish {

/// Whether a node is such a literal and not a dict.
bool is_result_literal(const json& node);

/// The names that strings of the tree mention, each once, in order: tensors, tensors inside expressions, and symbols.
std::vector<std::string> result_names(const json& result);

/// Calls `visit` for every string of the tree that is a name or an expression; it may change the string.
void visit_result(json& result, const std::function<void(json& text)>& visit);

}  // namespace burnish
