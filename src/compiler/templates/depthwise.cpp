#include <fmt/format.h>

#include "compiler/templates/templates.h"
#include "compiler/templates/windows.h"

namespace burnish::compiler {

bool use_depthwise(const OpStep& step, TemplateUse& use) {
  const auto at = read_depthwise(step, use.context);
  if (!at) return false;
  const std::int64_t channels = at->channels, outputs = at->outputs;
  const auto &in = at->size, &made = at->made, &kernel = at->kernel, &stride = at->stride, &padding = at->padding,
             &dilation = at->dilation;
  const std::int64_t span = (kernel[0] - 1) * dilation[0] + 1;
  const std::int64_t pitch =
      std::max((made[1] + 63) / 64 * 64 * stride[1] + (kernel[1] - 1) * dilation[1], in[1] + 2 * padding[1]) + 16;
  if (span * pitch > 65536 || kernel[0] * kernel[1] > 225) return false;
  const std::string cx = use.contiguous(at->x), cw = use.contiguous(at->w);
  const Arg b = at->bias == nullptr ? arg_none() : arg_name(use.contiguous(*as_name(*at->bias)));
  use.allocate(step.out[0], DType::float32, use.context.type(step.out[0])->shape);
  const std::int64_t plane_in = in[0] * in[1], plane_out = made[0] * made[1], taps = kernel[0] * kernel[1];
  const std::string body = fmt::format(
      "alignas(64) float ring[{}];\nfor (int64_t item = begin; item < end; ++item) {{\n"
      "const int64_t c = item % {outputs}, source = item / {outputs} * {channels} + c / {multiple};\n"
      "b_depthwise<{}, {}, {}, {}, {}, {}, {}, {}>(x + source * {}, w + c * {}, bias == nullptr ? 0.0f : bias[c], y + "
      "item * {}, {}, {}, {}, {}, ring, {});\n}}\n",
      span * pitch, kernel[0], kernel[1], stride[0], stride[1], dilation[0], dilation[1], padding[0], padding[1],
      plane_in, taps, plane_out, in[0], in[1], made[0], made[1], pitch, fmt::arg("outputs", outputs),
      fmt::arg("channels", channels), fmt::arg("multiple", outputs / channels));
  use.launch("depthwise", {template_blocks(), template_depthwise()},
             "const float* __restrict__ x, const float* __restrict__ w, const float* bias, float* __restrict__ y", body,
             {arg_name(cx), arg_name(cw), b, arg_name(step.out[0])}, at->images * outputs,
             500000 / (plane_out * taps + 64));
  return true;
}

}  // namespace burnish::compiler
