#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t most_columns = 8;
constexpr std::int64_t least_elements = 1 << 18;  // of the matrix: below that a launch is what counts
constexpr std::int64_t least_k = 256, warp = 32, warps_of_multiprocessor = 16;
constexpr std::int64_t threads = 256, most_rows = 4;                      // of a block; of the matrix to a warp
constexpr std::int64_t least_staged = 3, most_k = std::int64_t{1} << 28;  // vectors by way of shared memory

/// A large matrix [rows, k] and a few vectors of k elements, each in one piece.
struct Few {
  std::string matrix, vectors;
  bool turned = false;  ///< the vectors are columns: [k, columns]
  Arg bias = arg_none();
  std::int64_t rows = 0, k = 0, columns = 0, down = 1, across = 1, bias_down = 0;
};

const Type* floats(const Context& context, const std::string* name) {
  const Type* t = name == nullptr ? nullptr : context.type(*name);
  return t != nullptr && t->is_static() && t->dtype == DType::float32 ? t : nullptr;
}

std::optional<Few> read(const OpStep& step, const Context& context) {
  const bool linear = step.op == "aten::linear", vector = step.op == "aten::mv", added = step.op == "aten::addmm";
  if (!linear && !vector && !added && step.op != "aten::mm" && step.op != "aten::matmul") return std::nullopt;
  if (step.args.size() < 2 || (added && (step.args.size() != 3 || !step.kwargs.empty()))) return std::nullopt;
  const std::string *x = as_name(step.args[added ? 1 : 0]), *w = as_name(step.args[added ? 2 : 1]);
  const Type *tx = floats(context, x), *tw = floats(context, w);
  if (tx == nullptr || tw == nullptr || tx->rank() < 2 || tw->rank() > 2 || tw->rank() < 1) return std::nullopt;
  const std::int64_t k = tx->shape.back().value(), n = tw->rank() == 1 ? 1 : tw->shape[linear ? 0 : 1].value();
  if (k == 0 || n == 0 || (linear && tw->rank() != 2)) return std::nullopt;
  const std::int64_t m = tx->numel() / k;
  Few f;
  f.k = k;
  if (n <= most_columns) {
    f.matrix = *x, f.vectors = *w, f.turned = !linear && n > 1;
    f.rows = m, f.columns = n, f.down = n;
  } else if (m <= most_columns && linear) {
    f.matrix = *w, f.vectors = *x;
    f.rows = n, f.columns = m, f.across = n, f.bias_down = 1;
  } else {
    return std::nullopt;
  }
  if (const Arg* bias = added    ? &step.args[0]
                        : linear ? argument(step, 2, "bias")
                                 : nullptr;
      bias != nullptr && !is_none(*bias)) {
    const Type* t = floats(context, as_name(*bias));
    if (t == nullptr || t->rank() != 1 || !t->shape[0].is(n)) return std::nullopt;
    f.bias = *bias;
  }
  return f;
}

/// The vectors, each in one piece: turned once where they are parameters.
std::string in_rows(const Few& f, TemplateUse& use) {
  if (!f.turned) return use.contiguous(f.vectors);
  const std::vector<Size> shape{Size(f.columns), Size(f.k)};
  const Type type{DType::float32, shape, contiguous_strides(shape)};
  OpStep turn{"aten::t", {arg_name(f.vectors)}, {}, {f.vectors + "_t"}};
  if (use.is_fixed(f.vectors) && use.can_keep(4 * f.columns * f.k)) {
    const std::string view = use.prepare(std::move(turn), std::nullopt);
    return use.prepare(LayoutStep{f.vectors + "_rows", view, Strides{}}, type);
  }
  turn.out = {use.context.fresh(f.vectors + "_t")};
  const std::string view = turn.out[0];
  use.context.types[view] = Type{DType::float32, shape, {}};
  use.add(std::move(turn));
  return use.contiguous(view);
}

/// How the rows are spread: `rows` to a team of threads, `teams` teams to a block.
struct Spread {
  std::int64_t rows = 1, team = warp, teams = threads / warp;
  bool staged = false;
};

Spread spread_of(const Few& f, std::int64_t multiprocessors) {
  const auto most_of = [&](std::int64_t least_warps, bool divides) {
    std::int64_t rows = most_rows;
    while (rows > 1 && ((divides && f.rows % rows != 0) || f.rows / rows < least_warps)) rows /= 2;
    return rows;
  };
  // Read from the caches for each warp, several vectors take longer than the matrix: a block reads them once.
  const std::int64_t one_block = threads / warp * multiprocessors;
  if (f.columns >= least_staged && f.k < most_k && f.rows >= one_block)
    return {.rows = most_of(one_block, false), .staged = true};
  Spread s{.rows = f.columns == 1 ? 1 : most_of(warps_of_multiprocessor * multiprocessors, true)};
  if (f.rows / s.rows >= warps_of_multiprocessor * multiprocessors) return s;
  s.team = f.rows < 2 * multiprocessors && f.k >= 4096 ? 512 : threads;
  s.teams = 1;
  return s;
}

}  // namespace

bool use_few_columns(const OpStep& step, TemplateUse& use) {
  const auto f = read(step, use.context);
  const std::int64_t multiprocessors = use.context.options.machine.threads;
  if (!f || f->k < least_k || f->k % 4 != 0 || f->rows * f->k < least_elements || f->rows < multiprocessors / 2)
    return false;
  const Spread s = spread_of(*f, multiprocessors);
  const std::string matrix = use.contiguous(f->matrix), vectors = in_rows(*f, use);
  const Arg bias = is_none(f->bias) ? arg_none() : arg_name(use.contiguous(*as_name(f->bias)));
  use.allocate(step.out[0], DType::float32, use.context.type(step.out[0])->shape);
  const std::string form = s.staged ? fmt::format("b_few_columns_staged<{}, {}, {}>", f->columns, s.rows, s.teams)
                                    : fmt::format("b_few_columns<{}, {}, {}, {}>", f->columns, s.rows, s.team, s.teams);
  const std::string body =
      fmt::format("{}(a, v, bias, y, {}, {}, {}, {}, {});\n", form, f->rows, f->k, f->down, f->across, f->bias_down);
  use.launch_blocks("few_columns", {cuda_few_columns()},
                    "const float* __restrict__ a, const float* __restrict__ v, const float* __restrict__ bias, float* "
                    "__restrict__ y",
                    body, {arg_name(matrix), arg_name(vectors), bias, arg_name(step.out[0])},
                    (f->rows + s.rows * s.teams - 1) / (s.rows * s.teams), s.team * s.teams, s.staged ? 2 : 0);
  return true;
}

}  // namespace burnish::compiler
