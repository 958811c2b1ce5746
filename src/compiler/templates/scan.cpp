#include <fmt/format.h>

#include "compiler/templates/templates.h"

namespace burnish::compiler {

bool use_scan(const OpStep& step, TemplateUse& use) {
  const bool product = step.op == "aten::cumprod";
  if ((!product && step.op != "aten::cumsum") || as_name(step.args[0]) == nullptr || step.args.size() < 2) return false;
  const auto dim = as_int(step.args[1]);
  const Type* in = use.context.type(*as_name(step.args[0]));
  const Type* out = use.context.type(step.out[0]);
  if (!dim || in == nullptr || out == nullptr || !in->is_static() || in->dtype != DType::float32 ||
      out->dtype != DType::float32 || in->rank() == 0 || in->numel() == 0)
    return false;
  const auto d = static_cast<std::size_t>(*dim < 0 ? *dim + static_cast<std::int64_t>(in->rank()) : *dim);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t k = 0; k < d; ++k) outer *= in->shape[k].value();
  for (std::size_t k = d + 1; k < in->rank(); ++k) inner *= in->shape[k].value();
  const std::int64_t n = in->shape[d].value();
  const std::string x = use.contiguous(*as_name(step.args[0]));
  use.allocate(step.out[0], DType::float32, in->shape);
  const std::int64_t blocks = (inner + 63) / 64;
  constexpr std::int64_t together = 8;
  const std::string body =
      inner == 1
          ? fmt::format(
                "for (int64_t item = begin; item < end; ++item) {{\n"
                "const int64_t first = item * {0};\n"
                "if (first + {0} <= {1}) b_scan_rows<{2}, {0}>(x + first * {3}, y + first * {3}, {3});\n"
                "else for (int64_t r = first; r < {1}; ++r) b_scan_rows<{2}, 1>(x + r * {3}, y + r * {3}, {3});\n}}\n",
                together, outer, product, n)
          : fmt::format(
                "for (int64_t item = begin; item < end; ++item) {{\n"
                "const int64_t low = item % {0} * 64, at = item / {0} * {1} + low;\n"
                "b_scan_columns<{2}>(x + at, y + at, {3}, {4}, min(64, {4} - low));\n}}\n",
                blocks, n * inner, product, n, inner);
  use.launch("scan", {template_scan()}, "const float* __restrict__ x, float* __restrict__ y", body,
             {arg_name(x), arg_name(step.out[0])}, inner == 1 ? outer : outer * blocks,
             60000 / (inner == 1 ? n : n * 8));
  return true;
}

}  // namespace burnish::compiler
