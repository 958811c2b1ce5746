#include "swarm/similarity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string_view>

namespace burnish {
namespace {

/// "aten::add.Tensor" -> "add": overloads differ by how an argument is written.
std::string short_name(const std::string& op) {
  const auto begin = op.find("::");
  const auto name = begin == std::string::npos ? op : op.substr(begin + 2);
  return name.substr(0, name.find('.'));
}

std::string text_at(const json& step, const char* key) {
  const auto found = step.find(key);
  return found != step.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Calls `each` for the steps of the plan and of its functions, list by list.
void each_step(const json& plan, const std::function<void(const json& step)>& each) {
  if (!plan.is_object()) return;
  const auto list = [&](const json& owner) {
    if (!owner.is_object() || !owner.contains("steps") || !owner["steps"].is_array()) return;
    for (const auto& step : owner["steps"])
      if (step.is_object()) each(step);
  };
  list(plan);
  if (plan.contains("functions") && plan["functions"].is_object())
    for (const auto& function : plan["functions"]) list(function);
}

/// Every string in the arguments, lists included: names of tensors, or expressions that are none.
void each_name(const json& value, const std::function<void(const std::string&)>& each) {
  if (value.is_string()) each(value.get<std::string>());
  if (value.is_array())
    for (const auto& part : value) each_name(part, each);
}

struct Family {
  std::string_view name;
  std::array<std::string_view, 8> parts;  ///< of an operator's name
};

/// The costliest first: a plan is of the first family that one of its operators belongs to.
constexpr std::array families = {
    Family{"recurrent", {"lstm", "gru", "rnn_"}},
    Family{"convolution", {"conv"}},
    Family{"attention", {"scaled_dot_product"}},
    Family{"product", {"mm", "linear", "matmul", "einsum", "bilinear", "mv"}},
    Family{"scan", {"cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"}},
    Family{"pooling", {"pool"}},
    Family{"norm", {"norm"}},
    Family{"reduction", {"sum", "mean", "amax", "amin", "argm", "prod", "softmax", "var"}},
};

}  // namespace

Features features_of(const json& plan) {
  std::map<std::string, int> counts;
  std::map<std::string, std::string> made_by;  // tensor -> operator
  each_step(plan, [&](const json& step) {
    const auto op = short_name(text_at(step, "op"));
    if (op.empty()) return;
    ++counts["op " + op];
    if (step.contains("args"))
      each_name(step["args"], [&](const std::string& name) {
        if (const auto from = made_by.find(name); from != made_by.end()) ++counts["edge " + from->second + ">" + op];
      });
    if (step.contains("out")) each_name(step["out"], [&](const std::string& name) { made_by[name] = op; });
  });
  if (plan.is_object() && plan.contains("inputs") && plan["inputs"].is_object())
    for (const auto& input : plan["inputs"])
      if (input.is_object() && input.contains("shape") && input["shape"].is_array())
        ++counts["input " + text_at(input, "dtype") + " " + std::to_string(input["shape"].size())];
  // Twelve equal layers are like one layer, not twelve times as like it.
  Features features;
  for (const auto& [name, count] : counts) features[name] = std::log1p(count);
  return features;
}

double similarity(const Features& a, const Features& b) {
  std::set<std::string> names;
  for (const auto* features : {&a, &b})
    for (const auto& [name, weight] : *features) names.insert(name);
  double common = 0, all = 0;
  for (const auto& name : names) {
    const auto x = a.find(name), y = b.find(name);
    const double u = x == a.end() ? 0 : x->second, v = y == b.end() ? 0 : y->second;
    common += std::min(u, v);
    all += std::max(u, v);
  }
  return all > 0 ? common / all : 0;
}

std::string kind_of(const json& plan) {
  std::set<std::string> ops;
  each_step(plan, [&](const json& step) { ops.insert(short_name(text_at(step, "op"))); });
  for (const auto& family : families)
    for (const auto& op : ops)
      for (const auto part : family.parts)
        if (!part.empty() && op.find(part) != std::string::npos) return std::string(family.name);
  return "pointwise";
}

}  // namespace burnish
