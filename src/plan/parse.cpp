#include "plan/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/files.h"
#include "plan/check.h"
#include "plan/fields.h"
#include "plan/limits.h"
#include "plan/names.h"
#include "plan/parse_step.h"
#include "plan/read_json.h"

namespace burnish {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Calls `read(name, value)` for each entry of an object whose keys are names; errors get the key as their place.
template <class Read>
Status each_entry(const json& object, const Read& read) {
  if (!object.is_object()) return fail("an object is wanted, here is " + fields::describe(object));
  for (const auto& [key, value] : object.items()) {
    const auto name = fields::name(key);
    Status ok = name ? read(key, value) : std::unexpected(name.error());
    if (!ok) return inside(shorten(key), std::move(ok.error()));
  }
  return {};
}

Status read_pairs(const json& object, Pairs& out) {
  return each_entry(object, [&](const std::string& name, const json& value) -> Status {
    TRY(text, fields::string(value));
    out.emplace_back(name, text);
    return {};
  });
}

/// Forward's argument where an input sits: its own name, unless "path" says otherwise.
Result<std::string> read_path(const std::string& name, const json& value) {
  const json* path = fields::find(value, "path");
  if (!path) return name;
  auto text = fields::string(*path);
  if (!text) return inside("path", std::move(text.error()));
  return text;
}

Status read_input(const std::string& name, const json& value, std::vector<Input>& out) {
  if (value.is_object() && value.contains("value")) {
    if (auto ok = fields::only(value, {"value", "path"}); !ok) return ok;
    TRY(path, read_path(name, value));
    out.emplace_back(InputValue{name, path, value["value"]});
    return {};
  }
  if (auto ok = fields::only(value, {"dtype", "shape", "strides", "path"}); !ok) return ok;
  InputTensor input;
  input.name = name;
  TRY(path, read_path(name, value));
  input.path = path;
  for (const std::string_view key : {"dtype", "shape"})
    if (!fields::find(value, key))
      return fail(fmt::format("the key '{}' is missing", key), {},
                  R"(a tensor has "dtype" and "shape", any other input has "value")");
  auto dtype = fields::dtype(value["dtype"]);
  if (!dtype) return inside("dtype", std::move(dtype.error()));
  input.dtype = *dtype;
  auto shape = fields::exprs(value["shape"]);
  if (!shape) return inside("shape", std::move(shape.error()));
  input.shape = std::move(*shape);
  if (const json* strides = fields::find(value, "strides")) {
    auto read = fields::strides(*strides);
    if (!read) return inside("strides", std::move(read.error()));
    input.strides = std::move(*read);
  }
  out.emplace_back(std::move(input));
  return {};
}

std::string_view extension(std::string_view target) {
  if (target == "cuda") return ".cu";
  return target.starts_with("metal") ? ".metal" : ".cpp";
}

Status read_kernel(const std::string& name, const json& value, Plan& plan) {
  if (auto ok = fields::only(value, {"source", "text"}); !ok) return ok;
  Kernel kernel;
  if (const json* text = fields::find(value, "text")) {
    auto read = fields::string(*text);
    if (!read) return inside("text", std::move(read.error()));
    kernel.text = std::move(*read);
    kernel.source = name + std::string(extension(plan.target));
  }
  if (const json* source = fields::find(value, "source")) {
    auto read = fields::string(*source);
    if (!read) return inside("source", std::move(read.error()));
    kernel.source = std::move(*read);
  }
  if (kernel.source.empty())
    return fail("the kernel has no source", {},
                R"(write "source": a file beside the plan, or "text": the source itself)");
  plan.kernels.emplace_back(name, std::move(kernel));
  return {};
}

/// Reads a list of steps; `budget` counts steps down over the whole plan.
Status read_steps(const json& list, std::string_view key, TensorNames& in_scope, std::vector<Step>& out,
                  std::size_t& budget) {
  if (!list.is_array()) return fail("a list of steps is wanted, here is " + fields::describe(list));
  if (list.size() > budget) return fail(fmt::format("the plan has more than {} steps", limits::steps));
  budget -= list.size();
  out.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto step = parse_step(list[i], in_scope);
    if (!step) return inside(fmt::format("{}[{}]", key, i), std::move(step.error()));
    out.push_back(std::move(*step));
  }
  return {};
}

Status read_function(const std::string& name, const json& value, Plan& plan, std::size_t& budget) {
  if (auto ok = fields::only(value, {"args", "params", "prepare", "steps", "result"}); !ok) return ok;
  Function function;
  const auto names = [&](std::string_view key, std::vector<std::string>& out) -> Status {
    const json* list = fields::find(value, key);
    if (!list) return {};
    auto read = fields::names(*list);
    if (!read) return inside(key, std::move(read.error()));
    out = std::move(*read);
    return {};
  };
  if (auto ok = names("args", function.args); !ok) return ok;
  if (auto ok = names("result", function.result); !ok) return ok;
  if (const json* params = fields::find(value, "params"))
    if (auto ok = read_pairs(*params, function.params); !ok) return inside("params", std::move(ok.error()));
  TensorNames in_scope(function.args.begin(), function.args.end());
  for (const auto& [param, path] : function.params) in_scope.insert(param);
  if (const json* prepare = fields::find(value, "prepare"))
    if (auto ok = read_steps(*prepare, "prepare", in_scope, function.prepare, budget); !ok) return ok;
  if (const json* steps = fields::find(value, "steps"))
    if (auto ok = read_steps(*steps, "steps", in_scope, function.steps, budget); !ok) return ok;
  plan.functions.emplace_back(name, std::move(function));
  return {};
}

TensorNames tensors_before_steps(const Plan& plan) {
  TensorNames names;
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input)) names.insert(tensor->name);
  for (const auto& [name, path] : plan.params) names.insert(name);
  for (const auto& [name, key] : plan.constants) names.insert(name);
  return names;
}

Status read_version(const json& root) {
  const json* version = fields::find(root, "burnish_plan");
  if (!version) return fail("the key 'burnish_plan' is missing", {}, R"(a plan begins {"burnish_plan": 1, ...})");
  if (*version == 1) return {};
  return fail("this is a plan of version " + fields::describe(*version), "burnish_plan",
              "this Burnish reads version 1");
}

Result<Plan> read_plan(const json& root) {
  if (auto ok = fields::only(root, {"burnish_plan", "target", "graph", "inputs", "where", "params", "constants",
                                    "kernels", "functions", "prepare", "steps", "result", "result_type", "notes"});
      !ok)
    return std::unexpected(ok.error());
  if (auto ok = read_version(root); !ok) return std::unexpected(ok.error());
  for (const std::string_view key : {"inputs", "steps", "result"})
    if (!fields::find(root, key)) return fail(fmt::format("the key '{}' is missing", key));
  Plan plan;
  std::size_t budget = limits::steps;
  TensorNames in_scope;
  // Each section in the order in which a later one needs an earlier one: names must be known before steps are read.
  const std::initializer_list<std::pair<std::string_view, std::function<Status(const json&)>>> sections = {
      {"target",
       [&](const json& value) -> Status {
         TRY(target, fields::string(value));
         plan.target = target;
         return {};
       }},
      {"graph",
       [&](const json& value) -> Status {
         TRY(graph, fields::boolean(value));
         plan.graph = graph;
         return {};
       }},
      {"inputs",
       [&](const json& value) {
         return each_entry(
             value, [&](const std::string& name, const json& input) { return read_input(name, input, plan.inputs); });
       }},
      {"where",
       [&](const json& value) -> Status {
         TRY(where, fields::exprs(value));
         plan.where = std::move(where);
         return {};
       }},
      {"params", [&](const json& value) { return read_pairs(value, plan.params); }},
      {"constants", [&](const json& value) { return read_pairs(value, plan.constants); }},
      {"kernels",
       [&](const json& value) {
         return each_entry(
             value, [&](const std::string& name, const json& kernel) { return read_kernel(name, kernel, plan); });
       }},
      {"functions",
       [&](const json& value) {
         return each_entry(value, [&](const std::string& name, const json& function) {
           return read_function(name, function, plan, budget);
         });
       }},
  };
  for (const auto& [key, read] : sections) {
    const json* value = fields::find(root, key);
    if (!value) continue;
    if (auto ok = read(*value); !ok) return inside(key, std::move(ok.error()));
  }
  in_scope = tensors_before_steps(plan);
  if (const json* prepare = fields::find(root, "prepare"))
    if (auto ok = read_steps(*prepare, "prepare", in_scope, plan.prepare, budget); !ok)
      return std::unexpected(ok.error());
  if (auto ok = read_steps(root["steps"], "steps", in_scope, plan.steps, budget); !ok)
    return std::unexpected(ok.error());
  plan.result = root["result"];
  if (const json* type = fields::find(root, "result_type")) plan.result_type = *type;
  if (const json* notes = fields::find(root, "notes")) plan.notes = *notes;
  return plan;
}

std::unexpected<Error> as_plan_error(const std::string& where, Error error) {
  if (error.reason.empty()) error.reason = "plan";
  return where.empty() ? std::unexpected(std::move(error)) : inside(where, std::move(error));
}

}  // namespace

Result<Plan> parse_plan(std::string_view json_text, std::string where) {
  auto root = read_json(json_text);
  if (!root) return as_plan_error(where, std::move(root.error()));
  auto plan = read_plan(*root);
  if (!plan) return as_plan_error(where, std::move(plan.error()));
  return plan;
}

Result<Plan> load_plan(const std::filesystem::path& folder_or_file) {
  std::error_code code;
  const bool folder = std::filesystem::is_directory(folder_or_file, code);
  const auto file = folder ? folder_or_file / "plan.json" : folder_or_file;
  auto text = read_file(file, limits::file_bytes);
  if (!text) return as_plan_error({}, std::move(text.error()));
  TRY(plan, parse_plan(*text, file.string()));
  if (auto ok = check(plan); !ok) return as_plan_error(file.string(), std::move(ok.error()));
  return std::move(plan);
}

}  // namespace burnish
