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

  /// Cuts a line where there are fewer than `wanted` pieces of work, into no part smaller than `least`.
  void cut(std::int64_t have, std::int64_t wanted, std::int64_t least) {
    parts = std::clamp<std::int64_t>(std::min(cdiv(wanted, have), n / least), 1, most_parts);
    length = cdiv(cdiv(n, parts), least) * least;
    parts = cdiv(n, length);
  }
};

/// What differs between the languages: the kernels' text, and how they are called. {product} {sizes} {team} {teams}
/// {threads}.
struct Words {
  std::string_view (*header)();
  std::string_view fold_row, scan_row, fold_column, scan_column;
  bool null;      ///< whether a kernel takes a null pointer
  bool products;  ///< whether there is a double to carry them in
};
constexpr Words cuda_words{cuda_scan,
                           "b_fold_row_parts<{product}, {threads}>(x, sums, {sizes});\n",
                           "b_scan_rows<{product}, {team}, {teams}>(x, sums, y, {sizes});\n",
                           "b_fold_column_parts<{product}>(x, sums, {sizes});\n",
                           "b_scan_columns<{product}>(x, sums, y, {sizes});\n",
                           true,
                           true};
constexpr Words metal_words{metal_scan,
                            "threadgroup float folded[{threads} / 32];\n"
                            "b_fold_row_parts<{threads}>(x, sums, folded, {sizes}, group, int(thread_));\n",
                            "threadgroup float totals[2 * {threads} / 32];\n"
                            "b_scan_rows<{team}, {teams}>(x, sums, y, totals, {sizes}, group, int(thread_));\n",
                            "b_fold_column_parts(x, sums, {sizes}, group, int(thread_));\n",
                            "b_scan_columns(x, sums, y, {sizes}, group, int(thread_));\n",
                            false,
                            false};

/// The tensors that the kernels read and write; without `sums` a line is one part.
struct Scan {
  bool product = false;
  std::string x, sums, y;
  DType dtype = DType::float32;  ///< of x and y
};

std::string called(std::string_view call, const Scan& scan, const std::string& sizes, std::int64_t team) {
  return fmt::format(fmt::runtime(call), fmt::arg("product", scan.product), fmt::arg("sizes", sizes),
                     fmt::arg("team", team), fmt::arg("teams", threads / team), fmt::arg("threads", threads));
}

void fold(std::string_view call, const Scan& scan, const std::string& sizes, std::int64_t blocks, const Words& words,
          TemplateUse& use) {
  use.launch_blocks("fold_parts", {words.header()}, use.tensors({{"x", scan.dtype}}, {{"sums", DType::float32}}),
                    called(call, scan, sizes, threads), {arg_name(scan.x), arg_name(scan.sums)}, blocks, threads);
}

void scan_parts(std::string_view call, const Scan& scan, const std::string& sizes, std::int64_t blocks,
                std::int64_t team, const Words& words, TemplateUse& use) {
  const Arg sums = !scan.sums.empty() ? arg_name(scan.sums) : words.null ? arg_none() : arg_name(scan.x);
  use.launch_blocks("scan", {words.header()},
                    use.tensors({{"x", scan.dtype}, {"sums", DType::float32}}, {{"y", scan.dtype}}),
                    called(call, scan, sizes, team), {arg_name(scan.x), sums, arg_name(scan.y)}, blocks, threads);
}

void scan_rows(const Lines& l, const Scan& scan, const Words& words, TemplateUse& use) {
  const std::string sizes = fmt::format("{}, {}, {}", l.n, l.parts, l.length);
  if (!scan.sums.empty()) fold(words.fold_row, scan, sizes, l.outer * l.parts, words, use);
  const bool alone = l.n <= row_of_warp;
  const std::int64_t teams = alone ? threads / warp : 1;
  scan_parts(words.scan_row, scan, fmt::format("{}, {}", l.outer, sizes), cdiv(l.outer * l.parts, teams),
             alone ? warp : threads, words, use);
}

void scan_columns(const Lines& l, const Scan& scan, const Words& words, TemplateUse& use) {
  const std::int64_t items = l.outer * l.inner * l.parts;
  const std::string sizes = fmt::format("{}, {}, {}, {}, {}", items, l.n, l.inner, l.parts, l.length);
  if (!scan.sums.empty()) fold(words.fold_column, scan, sizes, cdiv(items, threads), words, use);
  scan_parts(words.scan_column, scan, sizes, cdiv(items, threads), threads, words, use);
}

bool use_scan(const OpStep& step, TemplateUse& use, const Words& words) {
  const bool product = step.op == "aten::cumprod";
  if ((product ? !words.products : step.op != "aten::cumsum") || step.args.size() < 2 ||
      as_name(step.args[0]) == nullptr)
    return false;
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
  const std::int64_t multiprocessors = use.context.options.machine.threads;
  if (l.inner > 1)
    l.cut(l.outer * l.inner, threads_of_multiprocessor * multiprocessors, least_column_part);
  else if (l.n > row_of_warp)
    l.cut(l.outer, blocks_of_multiprocessor * multiprocessors, 2 * tile * (is_half(in->dtype) ? 2 : 1));
  if (l.outer * l.parts * cdiv(l.inner, l.inner > 1 ? threads : 1) >= most_blocks) return false;
  Scan scan{product, use.contiguous(*as_name(step.args[0])), {}, step.out[0], in->dtype};
  if (l.parts > 1) {
    scan.sums = use.context.fresh(step.out[0] + "_parts");
    use.allocate(scan.sums, DType::float32, {Size(l.outer), Size(l.parts), Size(l.inner)});
  }
  use.allocate(step.out[0], in->dtype, in->shape);
  (l.inner == 1 ? scan_rows : scan_columns)(l, scan, words, use);
  return true;
}

}  // namespace

bool use_scan_blocks(const OpStep& step, TemplateUse& use) {
  return use_scan(step, use, cuda_words);
}

bool use_scan_groups(const OpStep& step, TemplateUse& use) {
  return use_scan(step, use, metal_words);
}

}  // namespace burnish::compiler
