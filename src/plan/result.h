#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"

/// The result tree of a plan. Lists are tuples or lists, objects are dicts, strings are tensors or integer expressions,
/// numbers, booleans and null are themselves. {"str": "text"} and {"float": "inf"} are literals, unless the text names
/// a tensor: then they are dicts of one entry.
namespace burnish {

/// What strings of the tree may name, each once, in order: tensors, tensors inside expressions, symbols, and texts of
/// literals that look like names.
std::vector<std::string> result_names(const json& result);

/// Calls `visit` for every string of the tree, which it may change; keys are not visited.
void visit_result(json& result, const std::function<void(json& text)>& visit);

}  // namespace burnish
