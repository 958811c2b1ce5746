#include "compiler/templates/windows.h"

namespace burnish::compiler {
namespace {

std::optional<std::vector<std::int64_t>> numbers(const Arg* a, const std::vector<std::int64_t>& otherwise) {
  if (a == nullptr || is_none(*a)) return otherwise;
  auto list = as_ints(*a);
  if (!list) return std::nullopt;
  if (list->empty()) return otherwise;
  if (list->size() == 1) list->resize(otherwise.size(), (*list)[0]);
  return list->size() == otherwise.size() ? list : std::nullopt;
}

}  // namespace

std::optional<Pooling> read_pooling(const OpStep& step, const Context& context) {
  const std::string_view op = short_name(step.op);
  const bool max = op.starts_with("max_pool"), average = op.starts_with("avg_pool"),
             adaptive = op.starts_with("adaptive_avg_pool");
  if ((!max && !average && !adaptive) || !op.ends_with("d") || step.args.empty() || as_name(step.args[0]) == nullptr)
    return std::nullopt;
  const auto dims = static_cast<std::size_t>(op[op.size() - 2] - '0');
  if (context.options.channels_last && dims == 2) return std::nullopt;
  const Type *in = context.type(*as_name(step.args[0])), *out = context.type(step.out[0]);
  if (in == nullptr || out == nullptr || !in->is_static() || !out->is_static() || !context.is_real(in->dtype) ||
      in->rank() < dims + 1 || out->numel() == 0)
    return std::nullopt;
  const std::size_t lead = in->rank() - dims;
  const std::vector<std::int64_t> ones(dims, 1), zeros(dims, 0);
  std::vector<std::int64_t> kernel, stride, padding = zeros, dilation = ones, size, made;
  for (std::size_t d = 0; d < dims; ++d) {
    size.push_back(in->shape[lead + d].value());
    made.push_back(out->shape[lead + d].value());
  }
  bool count_padding = true;
  std::int64_t divisor = 0;
  if (adaptive) {
    for (std::size_t d = 0; d < dims; ++d) {
      if (size[d] % made[d] != 0) return std::nullopt;
      kernel.push_back(size[d] / made[d]);
    }
    stride = kernel;
  } else {
    const auto k = step.args.size() < 2 ? std::nullopt : numbers(&step.args[1], ones);
    if (!k) return std::nullopt;
    kernel = *k;
    const auto s = numbers(argument(step, 2, "stride"), kernel), p = numbers(argument(step, 3, "padding"), zeros);
    if (!s || !p) return std::nullopt;
    stride = *s;
    padding = *p;
    if (max) {
      const auto d = numbers(argument(step, 4, "dilation"), ones);
      if (!d) return std::nullopt;
      dilation = *d;
    } else {
      if (const Arg* a = argument(step, 5, "count_include_pad"); a != nullptr)
        count_padding = as_bool(*a).value_or(true);
      if (const Arg* a = argument(step, 6, "divisor_override"); a != nullptr && !is_none(*a))
        divisor = as_int(*a).value_or(0);
    }
  }
  for (auto* list : {&size, &made, &kernel, &stride, &dilation}) list->insert(list->begin(), 3 - dims, 1);
  padding.insert(padding.begin(), 3 - dims, 0);
  std::int64_t planes = 1;
  for (std::size_t d = 0; d < lead; ++d) planes *= in->shape[d].value();
  return Pooling{max, count_padding, divisor, planes, size, made, kernel, stride, padding, dilation};
}

std::optional<Depthwise> read_depthwise(const OpStep& step, const Context& context) {
  const std::size_t dims = step.op == "aten::conv2d" ? 2 : step.op == "aten::conv1d" ? 1 : 0;
  if (dims == 0 || (dims == 2 && context.options.channels_last)) return std::nullopt;
  const std::string *x = as_name(step.args[0]), *w = as_name(step.args[1]);
  if (x == nullptr || w == nullptr) return std::nullopt;
  const Type *tx = context.type(*x), *tw = context.type(*w), *out = context.type(step.out[0]);
  if (tx == nullptr || tw == nullptr || out == nullptr || tx->rank() != dims + 2 || tw->rank() != dims + 2)
    return std::nullopt;
  if (!tx->is_static() || !tw->is_static() || !out->is_static() || !context.is_real(tx->dtype) ||
      tw->dtype != tx->dtype || out->numel() == 0)
    return std::nullopt;
  const Arg* groups = argument(step, 6, "groups");
  const std::int64_t channels = tx->shape[1].value(), outputs = tw->shape[0].value();
  if (groups == nullptr || as_int(*groups) != channels || !tw->shape[1].is(1) || channels < 2 ||
      outputs % channels != 0)
    return std::nullopt;
  const std::vector<std::int64_t> ones(dims, 1), zeros(dims, 0);
  auto stride = numbers(argument(step, 3, "stride"), ones), padding = numbers(argument(step, 4, "padding"), zeros),
       dilation = numbers(argument(step, 5, "dilation"), ones);
  if (!stride || !padding || !dilation) return std::nullopt;
  std::vector<std::int64_t> in, kernel, made;
  for (std::size_t d = 0; d < dims; ++d) {
    in.push_back(tx->shape[d + 2].value());
    kernel.push_back(tw->shape[d + 2].value());
    made.push_back(out->shape[d + 2].value());
  }
  if (dims == 1) {  // one row
    for (auto* list : {&in, &kernel, &made, &*stride, &*dilation}) list->insert(list->begin(), 1);
    padding->insert(padding->begin(), 0);
  }
  const Arg* bias = argument(step, 2, "bias");
  if (bias != nullptr && is_none(*bias)) bias = nullptr;
  const std::string* added = bias == nullptr ? nullptr : as_name(*bias);
  if (bias != nullptr &&
      (added == nullptr || context.type(*added) == nullptr || context.type(*added)->dtype != tx->dtype))
    return std::nullopt;
  return Depthwise{*x,      *w,       bias,     tx->shape[0].value(), channels, outputs, in, made, kernel,
                   *stride, *padding, *dilation};
}

}  // namespace burnish::compiler
