#include <fmt/format.h>

#include "compiler/templates/templates.h"
#include "compiler/templates/windows.h"

namespace burnish::compiler {

bool use_pooling(const OpStep& step, TemplateUse& use) {
  const auto pool = read_pooling(step, use.context);
  if (!pool) return false;
  const auto& [max, count_padding, divisor, planes, size, made, kernel, stride, padding, dilation] = *pool;
  const std::int64_t reach = (made[2] - 1) * stride[2] + (kernel[2] - 1) * dilation[2] + 1;
  const std::int64_t pitch = size[2] + 2 * padding[2];
  if (pitch > 16384 || reach > pitch + 48 || kernel[2] > 64) return false;
  const std::string x = use.contiguous(*as_name(step.args[0]));
  use.allocate(step.out[0], DType::float32, use.context.type(step.out[0])->shape);
  const std::int64_t plane_in = size[0] * size[1] * size[2], plane_out = made[0] * made[1] * made[2];
  const std::string body = fmt::format(
      "static constexpr b_PoolSize size{{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, "
      "{}}};\n"
      "alignas(64) float line[{}];\n"
      "for (int64_t item = begin; item < end; ++item) b_pool<{}, {}, {}, {}>(x + item * {}, y + item * {}, size, "
      "line);\n",
      size[0], size[1], size[2], made[0], made[1], made[2], kernel[0], kernel[1], kernel[2], stride[0], stride[1],
      stride[2], padding[0], padding[1], padding[2], dilation[0], dilation[1], dilation[2], count_padding, divisor,
      pitch + 64, max, kernel[2], stride[2], dilation[2], plane_in, plane_out);
  use.launch("pooling", {template_pooling()}, "const float* __restrict__ x, float* __restrict__ y", body,
             {arg_name(x), arg_name(step.out[0])}, planes,
             200000 / (plane_in * kernel[0] * kernel[1] / (stride[0] * stride[1]) + plane_out * kernel[2] + 1));
  return true;
}

}  // namespace burnish::compiler
