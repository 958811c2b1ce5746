#pragma once
#include <optional>

#include "base/json.h"

/// The result tree of a plan. Lists are tuples or lists, objects are dicts, strings are tensors or integer expressions,
/// numbers, booleans and null are themselves. Other values are an object with a single key that begins with "$":
/// {"$str": "text"}, {"$float": "inf"}.
namespace burnish {

/// Whether a node is such a literal and not a dict.
inline bool is_result_literal(const json& node) {
  return node.is_object() && node.size() == 1 && node.begin().key().starts_with('$');
}

}  // namespace burnish
