#include "plan/check_interface.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include "plan/limits.h"
#include "plan/names.h"

namespace burnish {
namespace {

struct Language {
  std::string_view target, extension;
};
constexpr std::array<Language, 4> languages = {
    {{"cpu", ".cpp"}, {"cuda", ".cu"}, {"metal", ".metal"}, {"metal-emulated", ".metal"}}};

/// An expression over symbols alone, for shapes and strides of inputs.
Status check_guard(const Expr& expr, const Symbols& bound, const std::string& place) {
  if (compares(expr))
    return fail(fmt::format("'{}' compares", shorten(expr.text())), place, R"(comparisons stand in "where" only)");
  if (!expr.tensors().empty()) return fail("a guard asks for a tensor's size", place, "use symbols");
  if (const auto* value = expr.constant(); value && *value < 0)
    return fail(fmt::format("{} is negative", *value), place);
  for (const std::string& symbol : expr.symbols())
    if (!bound.contains(symbol))
      return fail(fmt::format("nothing binds the symbol '{}'", symbol), place,
                  "a symbol is bound where it stands alone as a size in the shape of an input");
  return {};
}

Status check_input(const InputTensor& input, const Symbols& bound) {
  if (input.shape.size() > limits::dimensions)
    return fail(fmt::format("a tensor has at most {} dimensions", limits::dimensions), "shape");
  for (std::size_t i = 0; i < input.shape.size(); ++i)
    if (auto ok = check_guard(input.shape[i], bound, fmt::format("shape[{}]", i)); !ok) return ok;
  for (std::size_t i = 0; i < input.strides.values.size(); ++i)
    if (auto ok = check_guard(input.strides.values[i], bound, fmt::format("strides[{}]", i)); !ok) return ok;
  if (auto ok = check_strides(input.strides, input.shape.size()); !ok) return inside("strides", std::move(ok.error()));
  return {};
}

Status check_input(const InputValue& input, const Symbols&) {
  if (!input.value.is_structured()) return {};
  return fail("the value is a list or an object", "value",
              "give each of its leaves as an input of its own, with a path");
}

Status check_condition(const Expr& condition, const Plan& plan, const Symbols& bound) {
  if (!is_comparison(condition))
    return fail(fmt::format("'{}' is no comparison", shorten(condition.text())), {}, "write one, such as n % 8 == 0");
  for (const std::string& symbol : condition.symbols())
    if (!bound.contains(symbol)) return fail(fmt::format("nothing binds the symbol '{}'", symbol));
  for (const std::string& name : condition.tensors()) {
    const auto is_input = [&](const Input& input) {
      const auto* tensor = std::get_if<InputTensor>(&input);
      return tensor && tensor->name == name;
    };
    if (std::ranges::none_of(plan.inputs, is_input)) return fail(fmt::format("'{}' is no input", name));
  }
  return {};
}

template <class Visit>
void each_launch(const Plan& plan, const Visit& visit) {
  const auto walk = [&](const std::vector<Step>& steps) {
    for (const Step& step : steps)
      if (const auto* launch = std::get_if<LaunchStep>(&step)) visit(*launch);
  };
  walk(plan.prepare);
  walk(plan.steps);
  for (const auto& [name, function] : plan.functions) walk(function.prepare), walk(function.steps);
}

/// A kernel's name becomes a function's name in C++, CUDA or Metal.
Status check_kernel_name(const std::string& name) {
  if (!is_name(name) || name.find('.') != name.npos)
    return fail(fmt::format("'{}' is no name of a kernel", shorten(name)), {}, "kernels are named like functions in C");
  for (const std::string_view reserved : {"burnish_entry_", "burnish_signature_"})
    if (name.starts_with(reserved)) return fail(fmt::format("names that begin with {} are Burnish's own", reserved));
  return {};
}

Status check_source(const Kernel& kernel, std::string_view target) {
  if (!is_inside_folder(kernel.source))
    return fail(fmt::format("'{}' is no file inside the plan's folder", shorten(kernel.source)), "source",
                "write a relative path without '..'");
  const auto row = std::ranges::find(languages, target, &Language::target);
  if (row == languages.end() || kernel.source.ends_with(row->extension)) return {};
  return fail(fmt::format("'{}' is no source for the target {}", shorten(kernel.source), target), "source",
              fmt::format("its name ends in {}", row->extension));
}

}  // namespace

Result<Symbols> check_inputs(const Plan& plan) {
  Symbols bound;
  std::unordered_set<std::string> names, paths;
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input))
      for (const Expr& size : tensor->shape)
        if (const auto* symbol = size.symbol()) bound.insert(*symbol);
  for (const Input& input : plan.inputs) {
    const auto& [name, path] = std::visit([](const auto& one) { return std::pair(one.name, one.path); }, input);
    const std::string place = "inputs > " + shorten(name);
    if (!is_name(name)) return fail(fmt::format("'{}' is no name", shorten(name)), "inputs");
    if (!names.insert(name).second) return fail("the name stands twice", place);
    if (bound.contains(name)) return fail(fmt::format("'{}' is a symbol too", name), place, "choose another symbol");
    if (path.empty() || !paths.insert(path).second)
      return fail(fmt::format("the path '{}' is empty or stands twice", shorten(path)), place);
    if (auto ok = std::visit([&](const auto& one) { return check_input(one, bound); }, input); !ok)
      return inside(place, std::move(ok.error()));
  }
  for (std::size_t i = 0; i < plan.where.size(); ++i)
    if (auto ok = check_condition(plan.where[i], plan, bound); !ok)
      return inside(fmt::format("where[{}]", i), std::move(ok.error()));
  return bound;
}

Status check_kernels(const Plan& plan) {
  std::unordered_set<std::string> launched, names;
  std::map<std::string, const std::string*> texts;
  each_launch(plan, [&](const LaunchStep& launch) { launched.insert(launch.kernel); });
  for (const auto& [name, kernel] : plan.kernels) {
    if (auto ok = check_kernel_name(name); !ok) return ok;
    if (!names.insert(name).second) return fail("the kernel stands twice", name);
    if (auto ok = check_source(kernel, plan.target); !ok) return inside(name, std::move(ok.error()));
    if (!launched.contains(name)) return fail("the kernel is never launched", name, "launch it or remove it");
    const std::string* text = kernel.text ? &*kernel.text : nullptr;
    const auto [known, fresh] = texts.emplace(kernel.source, text);
    if (!fresh && (text == nullptr) != (known->second == nullptr))
      return fail(fmt::format("'{}' is a file and a text", kernel.source), name);
    if (!fresh && text && *text != *known->second)
      return fail(fmt::format("'{}' has two different texts", kernel.source), name, "give them different sources");
  }
  return {};
}

bool is_inside_folder(std::string_view path) {
  if (path.empty() || path.size() > 1024) return false;
  if (std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F; }))
    return false;
  while (true) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace burnish
