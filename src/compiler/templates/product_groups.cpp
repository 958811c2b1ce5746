#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/batched.h"
#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t threads = 128, small = 32, large = 64;
constexpr std::int64_t most_groups = std::int64_t{1} << 31, most_size = std::int64_t{1} << 30;
// With a part of eight rows or columns a tile of 32 would do more than four times the work.
constexpr std::int64_t least_side = 8;

std::int64_t cdiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

std::int64_t tiles_of(const BatchedProduct& p, std::int64_t tile) {
  return p.batch * cdiv(p.m, tile) * cdiv(p.n, tile);
}

}  // namespace

bool use_product_groups(const OpStep& step, TemplateUse& use) {
  const auto p = read_batched_product(step, use);
  if (!p || p->m < least_side || p->n < least_side || p->k == 0) return false;
  // The larger tile reads each operand half as often, where enough of them remain for all cores.
  const bool wide = std::min(p->m, p->n) >= large && tiles_of(*p, large) >= use.context.options.machine.threads;
  const std::int64_t tile = wide ? large : small, groups = tiles_of(*p, tile);
  if (groups >= most_groups || std::max({p->m, p->n, p->k}) >= most_size) return false;
  const std::string body = fmt::format(
      "const int tile = int(group % {per}u);\nconst long which = long(group / {per}u);\nlong batch = which;\n{decode}"
      "threadgroup float room[{room}];\n"
      "b_product<{tile}>(a + {at_a}, {am}, {ak}, b + {at_b}, {bk}, {bn}, c + which * {size}, {m}, {n}, {k}, "
      "tile / {across} * {tile}, tile % {across} * {tile}, room, int(thread_));\n",
      fmt::arg("per", groups / p->batch), fmt::arg("decode", p->decode("long")),
      fmt::arg("room", std::max(tile * tile, 16 * (2 * tile + 4) + 4 * tile)), fmt::arg("tile", tile),
      fmt::arg("at_a", p->at_a), fmt::arg("am", p->am), fmt::arg("ak", p->ak), fmt::arg("at_b", p->at_b),
      fmt::arg("bk", p->bk), fmt::arg("bn", p->bn), fmt::arg("size", p->m * p->n), fmt::arg("m", p->m),
      fmt::arg("n", p->n), fmt::arg("k", p->k), fmt::arg("across", cdiv(p->n, tile)));
  const Arg pa = use.pointer(p->a), pb = use.pointer(p->b);
  use.allocate(step.out[0], DType::float32, use.context.type(step.out[0])->shape);
  use.launch_blocks("product", {metal_product()},
                    use.tensors({{"a", DType::float32}, {"b", DType::float32}}, {{"c", DType::float32}}), body,
                    {pa, pb, arg_name(step.out[0])}, groups, threads);
  return true;
}

}  // namespace burnish::compiler
