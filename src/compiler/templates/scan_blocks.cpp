#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t threads = 256, warp = 32;
constexpr std::int64_t tile = 4 * threads;            // elements that a block scans at once
constexpr std::int64_t row_of_warp = 1024;            // up to so many elements a warp scans a row alone
constexpr std::int64_t blocks_of_multiprocessor = 4;  // below that lines are cut
constexpr std::int64_t threads_of_multiprocessor = 1024;
constexpr std::int64_t least_column_part = 64;
constexpr std::int64_t most_parts = 256;  // what each begins with, it adds up from the parts before it
constexpr std::int64_t most_blocks = std::int64_t{1} << 31;

std::int64_t cdiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Lines of `n` elements, `inner` apart from one to the next, in parts.
struct Lines {
  std::int64_t outer = 1, n = 1, inner = 1, parts = 1, length = 1;
  std::string_view element = "float";

  /// Cuts a line where there are fewer than `wanted` pieces of work, into no part smaller than `least`.
  void cut(std::int64_t have, std::int64_t wanted, std::int64_t least) {
    parts = std::clamp<std::int64_t>(std::min(cdiv(wanted, have), n / least), 1, most_parts);
    length = cdiv(cdiv(n, parts), least) * least;
    parts = cdiv(n, length);
  }
};

std::string scan_arguments(const Lines& l) {
  return fmt::format("const {0}* __restrict__ x, const float* __restrict__ sums, {0}* __restrict__ y", l.element);
}

void scan_rows(const Lines& l, bool product, const std::string& x, const std::string& sums, const std::string& y,
               TemplateUse& use) {
  if (!sums.empty())
    use.launch_blocks(
        "fold_parts", {cuda_scan()}, fmt::format("const {}* __restrict__ x, float* __restrict__ sums", l.element),
        fmt::format("b_fold_row_parts<{}, {}>(x, sums, {}, {}, {});\n", product, threads, l.n, l.parts, l.length),
        {arg_name(x), arg_name(sums)}, l.outer * l.parts, threads);
  const bool alone = l.n <= row_of_warp;
  const std::int64_t team = alone ? warp : threads, teams = alone ? threads / warp : 1;
  use.launch_blocks("scan", {cuda_scan()}, scan_arguments(l),
                    fmt::format("b_scan_rows<{}, {}, {}>(x, sums, y, {}, {}, {}, {});\n", product, team, teams, l.outer,
                                l.n, l.parts, l.length),
                    {arg_name(x), sums.empty() ? arg_none() : arg_name(sums), arg_name(y)},
                    cdiv(l.outer * l.parts, teams), threads);
}

void scan_columns(const Lines& l, bool product, const std::string& x, const std::string& sums, const std::string& y,
                  TemplateUse& use) {
  const std::int64_t items = l.outer * l.inner * l.parts;
  const std::string sizes = fmt::format("{}, {}, {}, {}, {}", items, l.n, l.inner, l.parts, l.length);
  if (!sums.empty())
    use.launch_blocks("fold_parts", {cuda_scan()},
                      fmt::format("const {}* __restrict__ x, float* __restrict__ sums", l.element),
                      fmt::format("b_fold_column_parts<{}>(x, sums, {});\n", product, sizes),
                      {arg_name(x), arg_name(sums)}, cdiv(items, threads), threads);
  use.launch_blocks(
      "scan", {cuda_scan()}, scan_arguments(l), fmt::format("b_scan_columns<{}>(x, sums, y, {});\n", product, sizes),
      {arg_name(x), sums.empty() ? arg_none() : arg_name(sums), arg_name(y)}, cdiv(items, threads), threads);
}

}  // namespace

bool use_scan_blocks(const OpStep& step, TemplateUse& use) {
  const bool product = step.op == "aten::cumprod";
  if ((!product && step.op != "aten::cumsum") || step.args.size() < 2 || as_name(step.args[0]) == nullptr) return false;
  const auto dim = as_int(step.args[1]);
  const Type* in = use.context.type(*as_name(step.args[0]));
  const Type* out = use.context.type(step.out[0]);
  if (!dim || in == nullptr || out == nullptr || !in->is_static() || !use.context.is_real(in->dtype) ||
      out->dtype != in->dtype || in->rank() == 0 || in->numel() == 0)
    return false;
  const auto d = static_cast<std::size_t>(*dim < 0 ? *dim + static_cast<std::int64_t>(in->rank()) : *dim);
  Lines l;
  for (std::size_t k = 0; k < d; ++k) l.outer *= in->shape[k].value();
  for (std::size_t k = d + 1; k < in->rank(); ++k) l.inner *= in->shape[k].value();
  l.n = l.length = in->shape[d].value();
  l.element = use.element(in->dtype);
  const std::int64_t multiprocessors = use.context.options.machine.threads;
  if (l.inner > 1)
    l.cut(l.outer * l.inner, threads_of_multiprocessor * multiprocessors, least_column_part);
  else if (l.n > row_of_warp)
    l.cut(l.outer, blocks_of_multiprocessor * multiprocessors, 2 * tile * (is_half(in->dtype) ? 2 : 1));
  if (l.outer * l.parts * cdiv(l.inner, l.inner > 1 ? threads : 1) >= most_blocks) return false;
  const std::string x = use.contiguous(*as_name(step.args[0]));
  std::string sums;
  if (l.parts > 1) {
    sums = use.context.fresh(step.out[0] + "_parts");
    use.allocate(sums, DType::float32, {Size(l.outer), Size(l.parts), Size(l.inner)});
  }
  use.allocate(step.out[0], in->dtype, in->shape);
  (l.inner == 1 ? scan_rows : scan_columns)(l, product, x, sums, step.out[0], use);
  return true;
}

}  // namespace burnish::compiler
