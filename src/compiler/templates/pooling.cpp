#include <fmt/format.h>

#include "compiler/templates/templates.h"

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

bool use_pooling(const OpStep& step, TemplateUse& use) {
  const std::string_view op = short_name(step.op);
  const bool max = op.starts_with("max_pool"), average = op.starts_with("avg_pool"),
             adaptive = op.starts_with("adaptive_avg_pool");
  if ((!max && !average && !adaptive) || !op.ends_with("d") || step.args.empty() || as_name(step.args[0]) == nullptr)
    return false;
  const auto dims = static_cast<std::size_t>(op[op.size() - 2] - '0');
  if (use.context.options.channels_last && dims == 2) return false;
  const Type *in = use.context.type(*as_name(step.args[0])), *out = use.context.type(step.out[0]);
  if (in == nullptr || out == nullptr || !in->is_static() || !out->is_static() || in->dtype != DType::float32 ||
      in->rank() < dims + 1 || out->numel() == 0)
    return false;
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
      if (size[d] % made[d] != 0) return false;
      kernel.push_back(size[d] / made[d]);
    }
    stride = kernel;
  } else {
    const auto k = step.args.size() < 2 ? std::nullopt : numbers(&step.args[1], ones);
    if (!k) return false;
    kernel = *k;
    const auto s = numbers(argument(step, 2, "stride"), kernel), p = numbers(argument(step, 3, "padding"), zeros);
    if (!s || !p) return false;
    stride = *s;
    padding = *p;
    if (max) {
      const auto d = numbers(argument(step, 4, "dilation"), ones);
      if (!d) return false;
      dilation = *d;
    } else {
      if (const Arg* a = argument(step, 5, "count_include_pad"); a != nullptr)
        count_padding = as_bool(*a).value_or(true);
      if (const Arg* a = argument(step, 6, "divisor_override"); a != nullptr && !is_none(*a))
        divisor = as_int(*a).value_or(0);
    }
  }
  const std::int64_t reach = (made.back() - 1) * stride.back() + (kernel.back() - 1) * dilation.back() + 1;
  const std::int64_t pitch = size.back() + 2 * padding.back();
  if (pitch > 16384 || reach > pitch + 48 || kernel.back() > 64) return false;
  for (auto* list : {&size, &made, &kernel, &stride, &dilation}) list->insert(list->begin(), 3 - dims, 1);
  padding.insert(padding.begin(), 3 - dims, 0);
  const std::string x = use.contiguous(*as_name(step.args[0]));
  use.allocate(step.out[0], DType::float32, out->shape);
  std::int64_t planes = 1;
  for (std::size_t d = 0; d < lead; ++d) planes *= in->shape[d].value();
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
