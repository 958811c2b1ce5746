#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/context.h"

namespace burnish::compiler {

/// What depends on a plan's parameters alone, and what a pass adds to it in `prepare`.
struct Prepared {
  Prepared(const Plan& plan, const Context& context);

  std::set<std::string> fixed;              ///< names that depend on parameters alone
  std::vector<Step> steps;                  ///< of the pass, to be added to `prepare`
  std::map<std::string, std::string> made;  ///< a step's text, its result left open -> its result
  std::int64_t bytes_left = 0;              ///< of what a plan may keep: twice its parameters
};

/// Bytes of a tensor of floats; 0 where its size is not known.
std::int64_t float_bytes(const Context& context, const std::string& name);

}  // namespace burnish::compiler
