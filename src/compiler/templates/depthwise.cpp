#include <fmt/format.h>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

std::optional<std::vector<std::int64_t>> numbers(const OpStep& step, std::size_t i, std::string_view name,
                                                 std::int64_t otherwise, std::size_t count) {
  const Arg* a = argument(step, i, name);
  auto list = a == nullptr ? std::vector<std::int64_t>{otherwise} : as_ints(*a).value_or(std::vector<std::int64_t>{});
  if (list.size() == 1) list.resize(count, list[0]);
  if (list.size() != count) return std::nullopt;
  return list;
}

}  // namespace

bool use_depthwise(const OpStep& step, TemplateUse& use) {
  const std::size_t dims = step.op == "aten::conv2d" ? 2 : step.op == "aten::conv1d" ? 1 : 0;
  if (dims == 0 || (dims == 2 && use.context.options.channels_last)) return false;
  const std::string *x = as_name(step.args[0]), *w = as_name(step.args[1]);
  if (x == nullptr || w == nullptr) return false;
  const Type *tx = use.context.type(*x), *tw = use.context.type(*w), *out = use.context.type(step.out[0]);
  if (tx == nullptr || tw == nullptr || out == nullptr || tx->rank() != dims + 2 || tw->rank() != dims + 2)
    return false;
  if (!tx->is_static() || !tw->is_static() || !out->is_static() || tx->dtype != DType::float32 || out->numel() == 0)
    return false;
  const Arg* groups = argument(step, 6, "groups");
  const std::int64_t channels = tx->shape[1].value(), outputs = tw->shape[0].value();
  if (groups == nullptr || as_int(*groups) != channels || !tw->shape[1].is(1) || channels < 2 ||
      outputs % channels != 0)
    return false;
  auto stride = numbers(step, 3, "stride", 1, dims), padding = numbers(step, 4, "padding", 0, dims),
       dilation = numbers(step, 5, "dilation", 1, dims);
  if (!stride || !padding || !dilation) return false;
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
  const std::int64_t span = (kernel[0] - 1) * (*dilation)[0] + 1;
  const std::int64_t pitch =
      std::max((made[1] + 63) / 64 * 64 * (*stride)[1] + (kernel[1] - 1) * (*dilation)[1], in[1] + 2 * (*padding)[1]) +
      16;
  if (span * pitch > 65536 || kernel[0] * kernel[1] > 225) return false;
  const Arg* bias = argument(step, 2, "bias");
  const std::string cx = use.contiguous(*x), cw = use.contiguous(*w);
  const Arg b = bias == nullptr || is_none(*bias) ? arg_none() : arg_name(use.contiguous(*as_name(*bias)));
  use.allocate(step.out[0], DType::float32, out->shape);
  const std::int64_t plane_in = in[0] * in[1], plane_out = made[0] * made[1], taps = kernel[0] * kernel[1];
  const std::string body = fmt::format(
      "alignas(64) float ring[{}];\nfor (int64_t item = begin; item < end; ++item) {{\n"
      "const int64_t c = item % {outputs}, source = item / {outputs} * {channels} + c / {multiple};\n"
      "b_depthwise<{}, {}, {}, {}, {}, {}, {}, {}>(x + source * {}, w + c * {}, bias == nullptr ? 0.0f : bias[c], y + "
      "item * {}, {}, {}, {}, {}, ring, {});\n}}\n",
      span * pitch, kernel[0], kernel[1], (*stride)[0], (*stride)[1], (*dilation)[0], (*dilation)[1], (*padding)[0],
      (*padding)[1], plane_in, taps, plane_out, in[0], in[1], made[0], made[1], pitch, fmt::arg("outputs", outputs),
      fmt::arg("channels", channels), fmt::arg("multiple", outputs / channels));
  use.launch("depthwise", {template_blocks(), template_depthwise()},
             "const float* __restrict__ x, const float* __restrict__ w, const float* bias, float* __restrict__ y", body,
             {arg_name(cx), arg_name(cw), b, arg_name(step.out[0])}, tx->shape[0].value() * outputs,
             500000 / (plane_out * taps + 64));
  return true;
}

}  // namespace burnish::compiler
