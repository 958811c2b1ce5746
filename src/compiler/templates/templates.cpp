#include "compiler/templates/templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "compiler/languages.h"
#include "compiler/work.h"
#include "plan/print.h"

namespace burnish::compiler {
namespace {

constexpr Template table[] = {
    {"attention", "cpu", "scaled_dot_product_attention with additive, boolean or causal masks, up to 2048 keys",
     RuleClass::same, use_attention},
    {"batched product", "cpu", "bmm and matmul of tensors with batch dimensions, any strides", RuleClass::same,
     use_batched_product},
    {"depthwise convolution", "cpu", "conv1d and conv2d with one input channel a group, in NCHW", RuleClass::same,
     use_depthwise},
    {"pooling", "cpu", "max and average pooling in one to three dimensions, and adaptive averages of equal windows",
     RuleClass::same, use_pooling},
    {"recurrent", "cpu",
     "lstm, gru, rnn_tanh and rnn_relu over a sequence, any number of layers, both directions, and their cells",
     RuleClass::same, use_recurrent},
    {"scan", "cpu", "cumsum and cumprod along any dimension", RuleClass::same, use_scan},
    {"depthwise convolution", "cuda", "conv1d and conv2d with one input channel a group, in NCHW", RuleClass::same,
     use_depthwise_blocks},
    {"few columns", "cuda",
     "linear, addmm, mm, mv and matmul of a large matrix with up to eight vectors, on either side of a linear layer",
     RuleClass::same, use_few_columns},
    {"pooling", "cuda", "max and average pooling in one to three dimensions, and adaptive averages of equal windows",
     RuleClass::same, use_pooling_blocks},
    {"scan", "cuda", "cumsum and cumprod along any dimension", RuleClass::same, use_scan_blocks},
    {"batched product", "metal-emulated", "bmm and matmul of tensors with batch dimensions, any strides",
     RuleClass::same, use_product_groups},
    {"depthwise convolution", "metal-emulated", "conv1d and conv2d with one input channel a group, in NCHW",
     RuleClass::same, use_depthwise_groups},
    {"pooling", "metal-emulated",
     "max and average pooling in one to three dimensions, and adaptive averages of equal windows", RuleClass::same,
     use_pooling_groups},
    {"scan", "metal-emulated", "cumsum along any dimension", RuleClass::same, use_scan_groups},
};

constexpr std::string_view mark = "{kernel}";

/// The operator's operations, less those of library calls beside its kernels, in equal parts: each under the tensor
/// that a kernel fills.
void note_work(const OpStep& op, const std::vector<Step>& made, Context& context) {
  std::set<std::string> empty;
  std::vector<std::string> filled;
  double flops = flops_of(op, context);
  for (const Step& step : made) {
    if (const auto* allocation = std::get_if<AllocateStep>(&step)) empty.insert(allocation->out);
    if (const auto* call = std::get_if<OpStep>(&step)) flops -= flops_of(*call, context);
    const auto* launch = std::get_if<LaunchStep>(&step);
    if (launch == nullptr) continue;
    bool first = true;
    for (const Arg& a : launch->args) {
      const std::string* name = as_name(a);
      if (name == nullptr || empty.erase(*name) == 0) continue;
      if (std::exchange(first, false)) filled.push_back(*name);
    }
  }
  for (const std::string& name : filled)
    context.work[name] = {std::max(0.0, flops) / static_cast<double>(filled.size()), std::string(short_name(op.op))};
}

}  // namespace

std::span<const Template> templates() {
  return table;
}

std::optional<StridedTensor> TemplateUse::operand(const std::string& name, DType dtype) const {
  const Type* type = context.type(name);
  if (type == nullptr || type->dtype != dtype || !type->is_static()) return std::nullopt;
  auto found = find_strides(plan, index, context, name);
  if (!found || !found->offset.is_static()) return std::nullopt;
  for (const Size& s : found->strides)
    if (!s.is_static()) return std::nullopt;
  return found;
}

std::string TemplateUse::contiguous(const std::string& name) {
  const Type* type = context.type(name);
  if (context.fixed_layout.contains(name) && type->is_contiguous()) return name;
  const std::string made = context.fresh(name + "_c");
  add(lay_out(context, made, name));
  return made;
}

Arg TemplateUse::pointer(const StridedTensor& tensor) {
  std::string base = tensor.base;
  if (!context.fixed_layout.contains(base)) {
    base = context.fresh(tensor.base + "_c");
    add(lay_out(context, base, tensor.base));
  }
  if (tensor.offset.is(0)) return arg_name(base);
  return Arg{Arg::Name{base, to_expr(tensor.offset)}};
}

void TemplateUse::allocate(const std::string& name, DType dtype, const std::vector<Size>& shape) {
  add(compiler::allocate(context, name, dtype, shape));
}

std::string TemplateUse::kernel(std::string_view name, std::initializer_list<std::string_view> headers,
                                const std::string& arguments, const std::string& body, const std::string& threads) {
  const Language& language = *context.options.language;
  const std::string function = fmt::format(fmt::runtime(language.kernel), fmt::arg("name", mark),
                                           fmt::arg("args", arguments), fmt::arg("threads", threads)) +
                               " {\n" + body + "}\n";
  std::string& kernel = context.kernel_of_text[function];
  if (!kernel.empty()) return kernel;
  std::string& source = context.sources[std::string(language.file)];
  for (const std::string_view header : headers)
    if (source.find(header) == std::string::npos) source += "\n" + std::string(header);
  const auto count =
      std::ranges::count_if(context.kernel_of_text, [&](const auto& k) { return k.second.starts_with(name); });
  kernel = std::string(name) + "_" + std::to_string(count + 1);
  std::string text = function;
  text.replace(text.find(mark), mark.size(), kernel);
  source += "\n" + text;
  return kernel;
}

void TemplateUse::launch(std::string_view name, std::initializer_list<std::string_view> headers,
                         const std::string& arguments, const std::string& body, std::vector<Arg> args,
                         std::int64_t range, std::int64_t grain) {
  LaunchStep step;
  step.kernel = kernel(name, headers, arguments, body, {});
  step.args = std::move(args);
  step.range = Expr(range);
  step.grain = Expr(std::max<std::int64_t>(1, grain));
  add(std::move(step));
}

std::string TemplateUse::tensors(Named inputs, Named outputs) const {
  const Language& language = *context.options.language;
  std::string text;
  int slot = 0;
  for (const auto& [form, tensors] : {std::pair{language.input, inputs}, std::pair{language.output, outputs}})
    for (const auto& [name, dtype] : tensors) {
      if (slot > 0) text += ", ";
      text += fmt::format(fmt::runtime(form), fmt::arg("type", element(dtype)), fmt::arg("name", name),
                          fmt::arg("slot", slot));
      ++slot;
    }
  return text;
}

void TemplateUse::launch_blocks(std::string_view name, std::initializer_list<std::string_view> headers,
                                const std::string& arguments, const std::string& body, std::vector<Arg> args,
                                std::int64_t blocks, std::int64_t threads, std::int64_t at_once) {
  LaunchStep step;
  step.kernel = kernel(name, headers, arguments, body,
                       at_once > 0 ? fmt::format("{}, {}", threads, at_once) : std::to_string(threads));
  step.args = std::move(args);
  step.grid = {Expr(blocks), Expr(1), Expr(1)};
  step.block = {Expr(threads), Expr(1), Expr(1)};
  add(std::move(step));
}

std::string TemplateUse::prepare(Step step, const std::optional<Type>& type) {
  std::string* out = nullptr;
  if (auto* op = std::get_if<OpStep>(&step)) out = &op->out[0];
  if (auto* layout = std::get_if<LayoutStep>(&step)) out = &layout->out;
  const std::string hint = std::exchange(*out, "");
  std::string& name = prepared_.made[to_line(step_to_json(step))];
  if (!name.empty()) return name;
  name = *out = context.fresh(hint);
  prepared_.fixed.insert(name);
  if (type) {
    prepared_.bytes_left -= 4 * std::max<std::int64_t>(0, type->numel());
    context.types[name] = *type;
    if (type->is_contiguous()) context.fixed_layout.insert(name);
  }
  prepared_.steps.push_back(std::move(step));
  return name;
}

Result<Plan> use_templates(Plan plan, Context& context) {
  if (!context.options.templates) return plan;
  const StepIndex index = index_steps(plan);
  Prepared prepared(plan, context);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const auto* op = std::get_if<OpStep>(&plan.steps[i]);
    bool done = false;
    for (const Template& t : table) {
      if (op == nullptr || outputs(plan.steps[i]).empty() || done || t.target != context.options.language->target ||
          !context.allows(t.kind) || !context.is_on(std::string(t.name)))
        continue;
      std::vector<Step> made;
      TemplateUse use(plan, index, context, made, prepared);
      if (!t.apply(*op, use)) continue;
      note_work(*op, made, context);
      for (Step& s : made) steps.push_back(std::move(s));
      context.fired.emplace_back(t.name);
      done = true;
    }
    if (!done) steps.push_back(plan.steps[i]);
  }
  plan.steps = std::move(steps);
  std::ranges::move(prepared.steps, std::back_inserter(plan.prepare));
  std::set<std::string> listed;
  for (const auto& [name, kernel] : plan.kernels) listed.insert(name);
  const std::string file(context.options.language->file);
  for (const auto& [text, name] : context.kernel_of_text)
    if (listed.insert(name).second) plan.kernels.emplace_back(name, Kernel{file, std::nullopt});
  return plan;
}

}  // namespace burnish::compiler
