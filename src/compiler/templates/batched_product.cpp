#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/batched.h"
#include "compiler/templates/templates.h"

namespace burnish::compiler {

bool use_batched_product(const OpStep& step, TemplateUse& use) {
  const auto p = read_batched_product(step, use);
  if (!p || p->n < 16 || p->m < 4) return false;
  const std::int64_t panels = (p->n + 47) / 48;
  std::int64_t parts =
      std::clamp<std::int64_t>(8L * use.context.options.machine.threads / (p->batch * panels), 1, (p->m + 31) / 32);
  const std::int64_t rows = ((p->m + parts - 1) / parts + 7) / 8 * 8;
  parts = (p->m + rows - 1) / rows;
  const std::string body = fmt::format(
      "for (int64_t item = begin; item < end; ++item) {{\n"
      "const int64_t panel = item % {panels}, part = item / {panels} % {parts}, which = item / {panels} / {parts};\n"
      "int64_t batch = which;\n{decode}"
      "b_product(a + {at_a}, {am}, {ak}, b + {at_b}, {bk}, {bn}, c + which * {size}, {n}, part * {rows}, min(part * "
      "{rows} + {rows}, {m}), panel * 48, "
      "{n}, {k});\n}}\n",
      fmt::arg("panels", panels), fmt::arg("parts", parts), fmt::arg("decode", p->decode("int64_t")),
      fmt::arg("at_a", p->at_a), fmt::arg("at_b", p->at_b), fmt::arg("am", p->am), fmt::arg("ak", p->ak),
      fmt::arg("bk", p->bk), fmt::arg("bn", p->bn), fmt::arg("size", p->m * p->n), fmt::arg("n", p->n),
      fmt::arg("m", p->m), fmt::arg("k", p->k), fmt::arg("rows", rows));
  const Arg pa = use.pointer(p->a), pb = use.pointer(p->b);
  use.allocate(step.out[0], DType::float32, use.context.type(step.out[0])->shape);
  use.launch("batched_product", {template_blocks(), template_batched_product()},
             "const float* a, const float* b, float* __restrict__ c", body, {pa, pb, arg_name(step.out[0])},
             p->batch * panels * parts, 1500000 / std::max<std::int64_t>(1, rows * 48 * p->k));
  return true;
}

}  // namespace burnish::compiler
