#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "plan/check.h"
#include "plan/fields.h"
#include "plan/names.h"
#include "plan/prune.h"
#include "plan/region.h"
#include "plan/splice.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using Names = std::unordered_set<std::string>;

std::optional<InputTensor> read_note(const std::string& name, const json& note) {
  if (!note.is_object() || !note.contains("dtype") || !note.contains("shape") || !note.contains("strides"))
    return std::nullopt;
  const auto dtype = fields::dtype(note["dtype"]);
  auto shape = fields::exprs(note["shape"]);
  auto strides = fields::strides(note["strides"]);
  if (!dtype || !shape || !strides) return std::nullopt;
  return InputTensor{name, name, *dtype, std::move(*shape), std::move(*strides)};
}

/// Strides as a list are the usual way to say contiguous in notes; a plan of words is easier to guard and to read.
void name_contiguous(InputTensor& tensor) {
  if (tensor.strides.kind != Strides::Kind::explicit_ || tensor.strides.values.size() != tensor.shape.size()) return;
  std::int64_t expected = 1;
  for (std::size_t dim = tensor.shape.size(); dim-- > 0;) {
    const auto *size = tensor.shape[dim].constant(), *stride = tensor.strides.values[dim].constant();
    if (!stride || *stride != expected) return;
    if (dim > 0 && (!size || *size <= 0 || __builtin_mul_overflow(expected, *size, &expected))) return;
  }
  tensor.strides = {};
}

/// Conditions over symbols that the region's inputs bind, and over those inputs themselves.
void take_where(const Plan& whole, Plan& part) {
  Names bound, inputs;
  for (const Input& input : part.inputs) {
    const auto& tensor = std::get<InputTensor>(input);
    inputs.insert(tensor.name);
    for (const Expr& size : tensor.shape)
      if (const auto* symbol = size.symbol()) bound.insert(*symbol);
  }
  for (const Expr& condition : whole.where) {
    const auto symbols = condition.symbols(), tensors = condition.tensors();
    const auto known = [](const Names& names) { return [&](const std::string& name) { return names.contains(name); }; };
    if (std::ranges::all_of(symbols, known(bound)) && std::ranges::all_of(tensors, known(inputs)))
      part.where.push_back(condition);
  }
}

void take_notes(const Plan& whole, Plan& part) {
  if (!whole.notes.is_object() || !whole.notes.contains("meta") || !whole.notes["meta"].is_object()) return;
  Names names;
  for (const auto* list : {&part.prepare, &part.steps})
    for (const Step& step : *list) {
      for (std::string& name : inputs_of(step)) names.insert(std::move(name));
      for (std::string& name : outputs_of(step)) names.insert(std::move(name));
    }
  json meta = json::object();
  for (const auto& [name, note] : whole.notes["meta"].items())
    if (names.contains(name)) meta[name] = note;
  part.notes = {{"meta", std::move(meta)}};
}

}  // namespace

KnownTensors known_tensors(const Plan& plan) {
  KnownTensors known;
  if (plan.notes.is_object() && plan.notes.contains("meta") && plan.notes["meta"].is_object())
    for (const auto& [name, note] : plan.notes["meta"].items())
      if (auto tensor = read_note(name, note)) {
        name_contiguous(*tensor);
        known.insert_or_assign(name, std::move(*tensor));
      }
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input)) {
      known.insert_or_assign(tensor->name, *tensor);
      known[tensor->name].path = tensor->name;
    }
  return known;
}

Result<Plan> cut(const Plan& whole, const std::vector<std::size_t>& steps, const KnownTensors& known) {
  TRY(region, find_region(whole, steps));
  Plan part;
  part.target = whole.target;
  for (const std::string& name : region.inputs) {
    const auto found = known.find(name);
    if (found == known.end())
      return fail(fmt::format("dtype and shape of '{}' are not known", name), "inputs",
                  "describe it, or add the step that makes it to the region");
    InputTensor tensor = found->second;
    tensor.name = tensor.path = name;
    part.inputs.emplace_back(std::move(tensor));
  }
  take_where(whole, part);
  part.params = whole.params;
  part.constants = whole.constants;
  part.kernels = whole.kernels;
  part.functions = whole.functions;
  part.prepare = whole.prepare;
  for (const std::size_t i : region.steps) part.steps.push_back(whole.steps[i]);
  part.result = region.outputs;
  prune(part);
  take_notes(whole, part);
  if (auto ok = check(part); !ok) return inside("the region", std::move(ok.error()));
  return part;
}

}  // namespace burnish
