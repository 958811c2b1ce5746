#include "compiler/prepared.h"

#include <algorithm>

namespace burnish::compiler {

std::int64_t float_bytes(const Context& context, const std::string& name) {
  const Type* t = context.type(name);
  return t == nullptr ? 0 : 4 * std::max<std::int64_t>(0, t->numel());
}

Prepared::Prepared(const Plan& plan, const Context& context) {
  for (const auto& [name, path] : plan.params) {
    fixed.insert(name);
    bytes_left += 2 * float_bytes(context, name);
  }
  for (const auto& [name, key] : plan.constants) fixed.insert(name);
  for (const Step& step : plan.prepare)
    for (const std::string& name : outputs(step)) {
      fixed.insert(name);
      bytes_left -= float_bytes(context, name);
    }
}

}  // namespace burnish::compiler
