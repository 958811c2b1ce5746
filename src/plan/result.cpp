#include "plan/result.h"

#include <unordered_set>

#include "plan/expr.h"

namespace burnish {

void visit_result(json& result, const std::function<void(json& text)>& visit) {
  if (result.is_string()) return visit(result);
  if (!result.is_structured()) return;
  for (json& item : result) visit_result(item, visit);
}

std::vector<std::string> result_names(const json& result) {
  std::vector<std::string> names;
  std::unordered_set<std::string> seen;
  json copy = result;
  visit_result(copy, [&](json& text) {
    const auto expr = Expr::parse(text.get_ref<const std::string&>());
    if (!expr) return;
    auto mentioned = expr->tensors();
    for (std::string& symbol : expr->symbols()) mentioned.push_back(std::move(symbol));
    for (std::string& name : mentioned)
      if (seen.insert(name).second) names.push_back(std::move(name));
  });
  return names;
}

}  // namespace burnish
