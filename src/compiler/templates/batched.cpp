#include "compiler/templates/batched.h"

#include <fmt/format.h>

namespace burnish::compiler {
namespace {

constexpr std::int64_t least_work = 1 << 15;  // multiplications

}  // namespace

std::string BatchedProduct::decode(std::string_view type) const {
  std::string text;
  for (std::size_t d = sizes.size(); d-- > 0;)
    text += fmt::format("const {0} d{1} = batch % {2};\nbatch /= {2};\n", type, d, sizes[d]);
  return text;
}

std::optional<BatchedProduct> read_batched_product(const OpStep& step, const TemplateUse& use) {
  if (step.op != "aten::bmm" && step.op != "aten::matmul") return std::nullopt;
  if (as_name(step.args[0]) == nullptr || as_name(step.args[1]) == nullptr) return std::nullopt;
  const auto a = use.operand(*as_name(step.args[0])), b = use.operand(*as_name(step.args[1]));
  const Type* out = use.context.type(step.out[0]);
  if (!a || !b || out == nullptr || !out->is_static() || a->shape.size() < 3 || b->shape.size() < 3)
    return std::nullopt;
  const std::size_t rank = out->rank(), ra = a->shape.size(), rb = b->shape.size();
  BatchedProduct p;
  p.a = *a, p.b = *b;
  p.m = a->shape[ra - 2].value(), p.k = a->shape[ra - 1].value(), p.n = b->shape[rb - 1].value();
  p.am = a->strides[ra - 2].value(), p.ak = a->strides[ra - 1].value();
  p.bk = b->strides[rb - 2].value(), p.bn = b->strides[rb - 1].value();
  for (std::size_t d = 0; d + 2 < rank; ++d) p.batch *= p.sizes.emplace_back(out->shape[d].value());
  if (p.batch * p.m * p.n * p.k < least_work) return std::nullopt;
  const auto begin = [&](const StridedTensor& t) {
    std::string text = "0";
    const std::size_t missing = rank - t.shape.size();
    for (std::size_t d = rank - 2; d-- > missing;)
      if (!t.shape[d - missing].is(1)) text += fmt::format(" + d{} * {}", d, t.strides[d - missing].value());
    return text;
  };
  p.at_a = begin(*a), p.at_b = begin(*b);
  return p;
}

}  // namespace burnish::compiler
