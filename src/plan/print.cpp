#include "plan/print.h"

#include <fmt/format.h>

#include "plan/names.h"
#include "plan/print_parts.h"

namespace burnish {
namespace {

json input_to_json(const Input& input) {
  if (const auto* value = std::get_if<InputValue>(&input)) {
    json out = {{"value", value->value}};
    if (value->path != value->name) out["path"] = value->path;
    return out;
  }
  const auto& tensor = std::get<InputTensor>(input);
  json out = {{"dtype", std::string(dtype_name(tensor.dtype))},
              {"shape", exprs_to_json(tensor.shape)},
              {"strides", strides_to_json(tensor.strides)}};
  if (tensor.path != tensor.name) out["path"] = tensor.path;
  return out;
}

const std::string& input_name(const Input& input) {
  return std::visit([](const auto& one) -> const std::string& { return one.name; }, input);
}

json kernel_to_json(const Kernel& kernel) {
  json out = {{"source", kernel.source}};
  if (kernel.text) out["text"] = *kernel.text;
  return out;
}

std::string quoted(const std::string& text) {
  return to_line(json(text));
}

/// Collects the entries of one object or list and writes each on a line of its own.
class Block {
 public:
  Block(char open, char close, int indent) : open_(open), close_(close), indent_(static_cast<std::size_t>(indent)) {}

  void add(const std::string& line) {
    text_ += (empty_ ? "\n" : ",\n") + std::string(indent_ + 1, ' ') + line;
    empty_ = false;
  }
  void add(const std::string& key, const std::string& value) { add(quoted(key) + ": " + value); }

  std::string text() const {
    if (empty_) return {open_, close_};
    return open_ + text_ + '\n' + std::string(indent_, ' ') + close_;
  }

 private:
  char open_, close_;
  std::size_t indent_;
  std::string text_;
  bool empty_ = true;
};

std::string pairs_block(const std::vector<std::pair<std::string, std::string>>& pairs, int indent) {
  Block block('{', '}', indent);
  for (const auto& [name, text] : pairs) block.add(name, quoted(text));
  return block.text();
}

std::string steps_block(const std::vector<Step>& steps, int indent) {
  Block block('[', ']', indent);
  for (const Step& step : steps) block.add(to_line(step_to_json(step)));
  return block.text();
}

std::string function_block(const Function& function) {
  Block block('{', '}', 2);
  block.add("args", to_line(function.args));
  if (!function.params.empty()) block.add("params", pairs_block(function.params, 3));
  if (!function.prepare.empty()) block.add("prepare", steps_block(function.prepare, 3));
  block.add("steps", steps_block(function.steps, 3));
  block.add("result", to_line(function.result));
  return block.text();
}

/// Notes with an entry a line, and so the long objects in them: `meta` says something of every name.
std::string notes_block(const json& notes) {
  if (!notes.is_object()) return to_line(notes);
  constexpr std::size_t few = 4;
  Block block('{', '}', 1);
  for (const auto& [key, value] : notes.items()) {
    if (!value.is_object() || value.size() <= few) {
      block.add(key, to_line(value));
      continue;
    }
    Block entries('{', '}', 2);
    for (const auto& [name, entry] : value.items()) entries.add(name, to_line(entry));
    block.add(key, entries.text());
  }
  return block.text();
}

}  // namespace

std::string print_function(const Function& function) {
  return function_block(function);
}

std::string print_plan(const Plan& plan) {
  Block root('{', '}', 0);
  root.add("burnish_plan", "1");
  root.add("target", quoted(plan.target));
  if (plan.graph) root.add("graph", "true");
  Block inputs('{', '}', 1);
  for (const Input& input : plan.inputs) inputs.add(input_name(input), to_line(input_to_json(input)));
  root.add("inputs", inputs.text());
  if (!plan.where.empty()) root.add("where", to_line(exprs_to_json(plan.where)));
  if (!plan.params.empty()) root.add("params", pairs_block(plan.params, 1));
  if (!plan.constants.empty()) root.add("constants", pairs_block(plan.constants, 1));
  if (!plan.kernels.empty()) {
    Block kernels('{', '}', 1);
    for (const auto& [name, kernel] : plan.kernels) kernels.add(name, to_line(kernel_to_json(kernel)));
    root.add("kernels", kernels.text());
  }
  if (!plan.functions.empty()) {
    Block functions('{', '}', 1);
    for (const auto& [name, function] : plan.functions) functions.add(name, function_block(function));
    root.add("functions", functions.text());
  }
  if (!plan.prepare.empty()) root.add("prepare", steps_block(plan.prepare, 1));
  root.add("steps", steps_block(plan.steps, 1));
  root.add("result", to_line(plan.result));
  if (!plan.result_type.is_null()) root.add("result_type", to_line(plan.result_type));
  if (!plan.notes.is_null()) root.add("notes", notes_block(plan.notes));
  return root.text() + '\n';
}

}  // namespace burnish
