#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"
#include "compiler/templates/windows.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t threads = 256;
constexpr std::int64_t line_elements = 2048;          // of input in a block's shared memory
constexpr std::int64_t most_joined = 64;              // of a window downwards, and along the row
constexpr std::int64_t blocks_of_multiprocessor = 4;  // at least, where there is work for them
constexpr std::int64_t most_parts = std::int64_t{1} << 31;

std::int64_t cdiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// What differs between the languages: the kernel's text, and how it is called.
struct Words {
  std::string_view (*header)();
  std::string_view call;  ///< {places}: floats of shared memory
};
constexpr Words cuda_words{cuda_pooling, "b_pool<S>(x, y);\n"};
constexpr Words metal_words{metal_pooling,
                            "threadgroup float line[{places}];\nb_pool<S>(x, y, line, group, int(thread_));\n"};

bool use_pooling(const OpStep& step, TemplateUse& use, const Words& words) {
  const auto pool = read_pooling(step, use.context);
  if (!pool) return false;
  const auto& [max, count_padding, divisor, planes, size, made, kernel, stride, padding, dilation] = *pool;
  const std::int64_t reach = (kernel[2] - 1) * dilation[2];
  if (kernel[0] * kernel[1] > most_joined || kernel[2] > most_joined || reach + stride[2] > line_elements / 2)
    return false;
  // A row of results in equal parts whose input fits.
  const std::int64_t chunks = cdiv(made[2], (line_elements - reach - 1) / stride[2] + 1);
  const std::int64_t wide = cdiv(made[2], chunks), taken = (wide - 1) * stride[2] + reach + 1;
  const std::int64_t all = planes * made[0] * made[1] * chunks;
  if (all >= most_parts || size[0] * size[1] * size[2] >= most_parts) return false;
  const std::int64_t enough = all / (blocks_of_multiprocessor * use.context.options.machine.threads);
  const std::int64_t lines = std::max<std::int64_t>(1, std::min(line_elements / taken, enough));
  const std::string x = use.contiguous(*as_name(step.args[0]));
  const Type made_type = *use.context.type(step.out[0]);
  use.allocate(step.out[0], made_type.dtype, made_type.shape);
  const std::string body = fmt::format(
      "struct S {{ enum : int {{ MAX = {}, COUNT_PADDING = {}, DIVISOR = {}, D = {}, H = {}, W = {}, OD = {}, OH = {}, "
      "OW = {}, KD = {}, KH = {}, KW = {}, SD = {}, SH = {}, SW = {}, PD = {}, PH = {}, PW = {}, DD = {}, DH = {}, DW "
      "= {},\nCHUNKS = {}, WIDE = {}, TAKEN = {}, LINES = {}, THREADS = {} }};\n"
      "static constexpr unsigned all() {{ return {}u; }} }};\n",
      int{max}, int{count_padding}, divisor, size[0], size[1], size[2], made[0], made[1], made[2], kernel[0], kernel[1],
      kernel[2], stride[0], stride[1], stride[2], padding[0], padding[1], padding[2], dilation[0], dilation[1],
      dilation[2], chunks, wide, taken, lines, threads, all);
  const std::string call = fmt::format(fmt::runtime(words.call), fmt::arg("places", lines * taken));
  use.launch_blocks("pooling", {words.header()}, use.tensors({{"x", made_type.dtype}}, {{"y", made_type.dtype}}),
                    body + call, {arg_name(x), arg_name(step.out[0])}, cdiv(all, lines), threads);
  return true;
}

}  // namespace

bool use_pooling_blocks(const OpStep& step, TemplateUse& use) {
  return use_pooling(step, use, cuda_words);
}

bool use_pooling_groups(const OpStep& step, TemplateUse& use) {
  return use_pooling(step, use, metal_words);
}

}  // namespace burnish::compiler
