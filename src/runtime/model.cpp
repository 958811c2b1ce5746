#include <fstream>
#include <sstream>

#include "runtime/bound.h"
#include "runtime/burnish.h"
#include "runtime/tensors.h"

namespace burnish {
namespace {

/// Kernel source -> compiled object, from the folder's manifest; empty where there is none.
Result<std::map<std::string, std::string>> kernels_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> kernels;
  const auto file = folder / "burnish.json";
  if (!std::filesystem::exists(file)) return kernels;
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  const json manifest = json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) return fail("the manifest is no JSON object", file.string(), "deploy the winner again");
  if (manifest.value("form", "plan") != "plan")
    return fail("the folder holds no plan but a " + manifest.value("form", ""), file.string(),
                "such winners need Python");
  if (const auto found = manifest.find("kernels"); found != manifest.end() && found->is_object())
    for (const auto& [source, object] : found->items())
      if (object.is_string()) kernels[source] = (folder / object.get<std::string>()).string();
  return kernels;
}

c10::IValue value_of(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return {};
}

}  // namespace

Result<Model> Model::load(const std::filesystem::path& folder, const std::map<std::string, at::Tensor>& state) {
  TRY(kernels, kernels_of(folder));
  TRY(program, load_program(folder, kernels));
  std::vector<at::Tensor> params;
  for (const auto& [name, path] : program->params) {
    const auto found = state.find(path);
    if (found == state.end())
      return fail("the state has no tensor \"" + path + "\"", folder.string(), "save the module's state_dict",
                  "parameters");
    params.push_back(found->second);
  }
  TRY(bound, Bound::make(program, std::move(params)));
  return Model(bound);
}

Result<std::map<std::string, at::Tensor>> Model::load_state(const std::filesystem::path& file) {
  return load_tensors(file);
}

std::vector<std::string> Model::inputs() const {
  std::vector<std::string> paths;
  for (const auto& input : bound_->program().plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input)) paths.push_back(tensor->path);
  return paths;
}

Result<std::vector<at::Tensor>> Model::run(const std::vector<at::Tensor>& inputs) const {
  std::vector<c10::IValue> leaves;
  std::size_t next = 0;
  for (const auto& input : bound_->program().plan.inputs) {
    if (const auto* value = std::get_if<InputValue>(&input)) {
      leaves.push_back(value_of(value->value));
      continue;
    }
    if (next == inputs.size())
      return fail("an input is missing: " + std::get<InputTensor>(input).path, "run", {}, "guard");
    leaves.emplace_back(inputs[next++]);
  }
  if (next != inputs.size())
    return fail(std::to_string(inputs.size()) + " inputs are given, the plan takes " + std::to_string(next), "run", {},
                "guard");
  std::vector<c10::IValue> results;
  const auto outcome = bound_->run(leaves, results);
  if (const auto* missed = std::get_if<Bound::Missed>(&outcome))
    return fail("the plan does not hold: " + missed->guard, "run", {}, "guard");
  if (const auto* error = std::get_if<Error>(&outcome)) return std::unexpected(*error);
  std::vector<at::Tensor> tensors;
  for (const auto& result : results)
    if (result.isTensor()) tensors.push_back(result.toTensor());
  return tensors;
}

Status Model::refresh() const {
  return bound_->refresh();
}

}  // namespace burnish
