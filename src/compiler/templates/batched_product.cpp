#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {
constexpr std::int64_t least_work = 1 << 15;  // multiplications; below that ATen's call costs as little
}

bool use_batched_product(const OpStep& step, TemplateUse& use) {
  if (step.op != "aten::bmm" && step.op != "aten::matmul") return false;
  if (as_name(step.args[0]) == nullptr || as_name(step.args[1]) == nullptr) return false;
  const auto a = use.operand(*as_name(step.args[0])), b = use.operand(*as_name(step.args[1]));
  const Type* out = use.context.type(step.out[0]);
  if (!a || !b || out == nullptr || !out->is_static() || a->shape.size() < 3 || b->shape.size() < 3) return false;
  const std::size_t rank = out->rank(), ra = a->shape.size(), rb = b->shape.size();
  const std::int64_t m = a->shape[ra - 2].value(), k = a->shape[ra - 1].value(), n = b->shape[rb - 1].value();
  std::int64_t batch = 1;
  for (std::size_t d = 0; d + 2 < rank; ++d) batch *= out->shape[d].value();
  if (batch * m * n * k < least_work || n < 16 || m < 4) return false;
  const std::int64_t panels = (n + 47) / 48;
  std::int64_t parts =
      std::clamp<std::int64_t>(8L * use.context.options.machine.threads / (batch * panels), 1, (m + 31) / 32);
  const std::int64_t rows = ((m + parts - 1) / parts + 7) / 8 * 8;
  parts = (m + rows - 1) / rows;
  // Offsets of one product in a, b and the result, from its place among the batches.
  std::string decode, at_a = "0", at_b = "0";
  for (std::size_t d = rank - 2; d-- > 0;) {
    decode += fmt::format("const int64_t d{0} = batch % {1};\nbatch /= {1};\n", d, out->shape[d].value());
    const auto part = [&](const StridedTensor& t, std::size_t r, std::string& text) {
      if (d + r < rank) return;
      const std::size_t mine = d - (rank - r);
      if (!t.shape[mine].is(1)) text += fmt::format(" + d{} * {}", d, t.strides[mine].value());
    };
    part(*a, ra, at_a);
    part(*b, rb, at_b);
  }
  const auto stride = [](const StridedTensor& t, std::size_t d) { return t.strides[d].value(); };
  const std::string body = fmt::format(
      "for (int64_t item = begin; item < end; ++item) {{\n"
      "const int64_t panel = item % {panels}, part = item / {panels} % {parts}, which = item / {panels} / {parts};\n"
      "int64_t batch = which;\n{decode}"
      "b_product(a + {at_a}, {am}, {ak}, b + {at_b}, {bk}, {bn}, c + which * {size}, {n}, part * {rows}, min(part * "
      "{rows} + {rows}, {m}), panel * 48, "
      "{n}, {k});\n}}\n",
      fmt::arg("panels", panels), fmt::arg("parts", parts), fmt::arg("decode", decode), fmt::arg("at_a", at_a),
      fmt::arg("at_b", at_b), fmt::arg("am", stride(*a, ra - 2)), fmt::arg("ak", stride(*a, ra - 1)),
      fmt::arg("bk", stride(*b, rb - 2)), fmt::arg("bn", stride(*b, rb - 1)), fmt::arg("size", m * n), fmt::arg("n", n),
      fmt::arg("m", m), fmt::arg("k", k), fmt::arg("rows", rows));
  const Arg pa = use.pointer(*a), pb = use.pointer(*b);
  use.allocate(step.out[0], DType::float32, out->shape);
  use.launch("batched_product", {template_blocks(), template_batched_product()},
             "const float* a, const float* b, float* __restrict__ c", body, {pa, pb, arg_name(step.out[0])},
             batch * panels * parts, 1500000 / std::max<std::int64_t>(1, rows * 48 * k));
  return true;
}

}  // namespace burnish::compiler
