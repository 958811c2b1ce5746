#include <fmt/format.h>

#include <cmath>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t most_keys = 2048, most_depth = 256;  // what lies on a thread's stack: 256 KiB of scores

/// Strides of a mask over [batch, heads, queries, keys]; zero where it is broadcast.
std::optional<std::vector<std::int64_t>> mask_strides(const StridedTensor& mask, const std::vector<Size>& full) {
  std::vector<std::int64_t> strides(4, 0);
  if (mask.shape.size() > 4) return std::nullopt;
  for (std::size_t k = 0; k < mask.shape.size(); ++k) {
    const std::size_t d = 4 - mask.shape.size() + k;
    if (mask.shape[k].is(1)) continue;
    if (!(mask.shape[k] == full[d])) return std::nullopt;
    strides[d] = mask.strides[k].value();
  }
  return strides;
}

}  // namespace

bool use_attention(const OpStep& step, TemplateUse& use) {
  if (step.op != "aten::scaled_dot_product_attention") return false;
  const Type *tq = use.context.type(*as_name(step.args[0])), *tk = use.context.type(*as_name(step.args[1])),
             *tv = use.context.type(*as_name(step.args[2]));
  if (tq == nullptr || tk == nullptr || tv == nullptr) return false;
  const std::size_t rank = tq->rank();
  if ((rank != 3 && rank != 4) || tk->rank() != rank || tv->rank() != rank) return false;
  const Arg* dropout = argument(step, 4, "dropout_p");
  const Arg* causal_arg = argument(step, 5, "is_causal");
  const Arg* scale_arg = argument(step, 6, "scale");
  const Arg* grouped = argument(step, 7, "enable_gqa");
  if (dropout != nullptr && as_real(*dropout).value_or(1) != 0) return false;
  if (grouped != nullptr && as_bool(*grouped).value_or(true)) return false;
  const bool causal = causal_arg != nullptr && as_bool(*causal_arg).value_or(false);
  auto q = use.operand(*as_name(step.args[0])), k = use.operand(*as_name(step.args[1])),
       v = use.operand(*as_name(step.args[2]));
  if (!q || !k || !v) return false;
  if (rank == 3)  // one batch of heads
    for (auto* t : {&*q, &*k, &*v}) {
      t->shape.insert(t->shape.begin(), Size(1));
      t->strides.insert(t->strides.begin(), Size(0));
    }
  for (const auto& t : {*q, *k, *v})
    if (!t.strides[3].is(1) && !t.shape[3].is(1)) return false;
  for (const std::size_t d : {0U, 1U})
    if (!(q->shape[d] == k->shape[d]) || !(q->shape[d] == v->shape[d])) return false;
  const std::int64_t batch = q->shape[0].value(), heads = q->shape[1].value(), queries = q->shape[2].value(),
                     depth = q->shape[3].value();
  const std::int64_t keys = k->shape[2].value(), width = v->shape[3].value();
  if (keys > most_keys || keys < 1 || depth > most_depth || depth < 1 || batch * heads * queries * width == 0 ||
      (causal && keys != queries))
    return false;
  double scale = 1 / std::sqrt(static_cast<double>(depth));
  if (scale_arg != nullptr && !is_none(*scale_arg)) {
    const auto given = as_real(*scale_arg);
    if (!given) return false;
    scale = *given;
  }
  Arg mask_arg = arg_none();
  std::string mask_type = "float";
  std::vector<std::int64_t> ms(4, 0);
  if (const Arg* mask = argument(step, 3, "attn_mask"); mask != nullptr && !is_none(*mask)) {
    const Type* tm = as_name(*mask) == nullptr ? nullptr : use.context.type(*as_name(*mask));
    if (tm == nullptr || (tm->dtype != DType::float32 && tm->dtype != DType::bool_)) return false;
    const auto m = use.operand(*as_name(*mask), tm->dtype);
    if (!m) return false;
    const auto strides = mask_strides(*m, {q->shape[0], q->shape[1], q->shape[2], k->shape[2]});
    if (!strides) return false;
    ms = *strides;
    mask_arg = use.pointer(*m);
    if (tm->dtype == DType::bool_) mask_type = "uint8_t";
  }
  const Arg qa = use.pointer(*q), ka = use.pointer(*k), va = use.pointer(*v);

  // Where the heads are put beside each other next, the result is written so, and what follows are views.
  const std::string& out = step.out[0];
  const auto readers = use.index.consumers.find(out);
  bool turned = rank == 4 && !use.index.results.contains(out) && readers != use.index.consumers.end() &&
                readers->second.size() == 1;
  if (turned) {
    const auto* next = std::get_if<OpStep>(&use.plan.steps[static_cast<std::size_t>(readers->second[0])]);
    turned = next != nullptr && (short_name(next->op) == "transpose" || short_name(next->op) == "permute");
  }
  const auto& s = q->shape;
  const std::string memory = turned ? use.context.fresh(out + "_t") : out;
  if (turned) {
    use.allocate(memory, DType::float32, {s[0], s[2], s[1], v->shape[3]});
  } else {
    std::vector<Size> shape{s[0], s[1], s[2], v->shape[3]};
    if (rank == 3) shape.erase(shape.begin());
    use.allocate(memory, DType::float32, shape);
  }
  const std::int64_t ob = heads * queries * width, oh = turned ? width : queries * width,
                     os = turned ? heads * width : width;
  const std::int64_t blocks = (queries + 31) / 32;
  const auto n = [](const StridedTensor& t, std::size_t d) { return t.strides[d].value(); };
  const std::string body = fmt::format(
      "for (int64_t item = begin; item < end; ++item) {{\n"
      "const int64_t block = item % {blocks}, h = item / {blocks} % {heads}, b = item / {blocks} / {heads};\n"
      "b_attention<{keys}, {depth}>(q + b * {qb} + h * {qh}, {qs}, k + b * {kb} + h * {kh}, {ks}, v + b * {vb} + h * "
      "{vh}, {vs}, "
      "mask == nullptr ? mask : mask + b * {mb} + h * {mh}, {mq}, {mk}, out + b * {ob} + h * {oh}, {os}, block * 32, "
      "{queries}, {keys}, {depth}, "
      "{width}, scale, {causal});\n}}\n",
      fmt::arg("blocks", blocks), fmt::arg("heads", heads), fmt::arg("keys", keys), fmt::arg("depth", depth),
      fmt::arg("qb", n(*q, 0)), fmt::arg("qh", n(*q, 1)), fmt::arg("qs", n(*q, 2)), fmt::arg("kb", n(*k, 0)),
      fmt::arg("kh", n(*k, 1)), fmt::arg("ks", n(*k, 2)), fmt::arg("vb", n(*v, 0)), fmt::arg("vh", n(*v, 1)),
      fmt::arg("vs", n(*v, 2)), fmt::arg("mb", ms[0]), fmt::arg("mh", ms[1]), fmt::arg("mq", ms[2]),
      fmt::arg("mk", ms[3]), fmt::arg("ob", ob), fmt::arg("oh", oh), fmt::arg("os", os), fmt::arg("queries", queries),
      fmt::arg("width", width), fmt::arg("causal", causal));
  const std::int64_t work = 32 * keys * (2 * depth + 2 * width + 20);
  use.launch("attention", {template_blocks(), template_attention()},
             fmt::format(
                 "const float* q, const float* k, const float* v, const {}* mask, float* __restrict__ out, float scale",
                 mask_type),
             body, {qa, ka, va, mask_arg, arg_name(memory), arg_real(scale)}, batch * heads * blocks, 1500000 / work);
  if (turned) use.add(OpStep{"aten::transpose.int", {arg_name(memory), arg_int(1), arg_int(2)}, {}, {out}});
  return true;
}

}  // namespace burnish::compiler
