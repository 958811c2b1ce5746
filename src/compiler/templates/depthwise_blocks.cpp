#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"
#include "compiler/templates/windows.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t most_threads = 256;
constexpr std::int64_t most_rows = 4;  // of results to a thread
constexpr std::int64_t most_taps = 225;
constexpr std::int64_t most_unrolled = 600;  // multiplications of a thread, all in one piece of code
constexpr std::int64_t most_tiles = std::int64_t{1} << 31;

std::int64_t cdiv(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// What differs between the languages: the kernel's text, how it is called, and the memory of a block.
struct Words {
  std::string_view (*header)();
  std::string_view call;  ///< {in} {weights}: floats of shared memory
  std::int64_t shared_floats;
  bool null;  ///< whether a kernel takes a null pointer
};
constexpr Words cuda_words{cuda_depthwise, "b_depthwise<S>(x, w, bias, y);\n",
                           10 << 10,  // five blocks a multiprocessor
                           true};
constexpr Words metal_words{metal_depthwise,
                            "threadgroup float in[{in}];\nthreadgroup float weights[{weights}];\n"
                            "b_depthwise<S>(x, w, bias, y, in, weights, group, int(thread_));\n",
                            7 << 10,  // 32 KB with the weights
                            false};

/// How a plane is cut into tiles, and how many of them a block takes.
struct Tiles {
  std::int64_t width = 32, height = 1, rows = 1, planes = 1;
};

/// What results in one direction read in it: 0 is down, 1 across.
std::int64_t reach(const Depthwise& at, std::size_t direction, std::int64_t results) {
  return (results - 1) * at.stride[direction] + (at.kernel[direction] - 1) * at.dilation[direction] + 1;
}

std::int64_t input_of(const Depthwise& at, std::int64_t height, std::int64_t width) {
  return reach(at, 0, height) * reach(at, 1, width);
}

std::optional<Tiles> cut(const Depthwise& at, std::int64_t shared_floats) {
  Tiles t;
  const std::int64_t taps = at.kernel[0] * at.kernel[1];
  t.rows = std::min(most_rows, at.made[0]);
  while (t.rows > 1 && t.rows * taps > most_unrolled) --t.rows;
  t.width = at.made[0] == 1 ? most_threads : 32;
  while (t.width > 4 && t.width / 2 >= at.made[1]) t.width /= 2;
  std::int64_t lines = std::min(cdiv(at.made[0], t.rows), std::max<std::int64_t>(1, most_threads / t.width));
  while (lines > 1 && input_of(at, lines * t.rows, t.width) > shared_floats) --lines;
  t.height = lines * t.rows;
  const std::int64_t input = input_of(at, t.height, t.width);
  if (taps > most_taps || taps * t.rows > most_unrolled || input > shared_floats) return std::nullopt;
  t.planes = std::max<std::int64_t>(1, std::min(most_threads / (t.width * lines), shared_floats / (input + taps)));
  return t;
}

bool use_depthwise(const OpStep& step, TemplateUse& use, const Words& words) {
  const auto at = read_depthwise(step, use.context);
  const auto t = at ? cut(*at, words.shared_floats) : std::nullopt;
  if (!t) return false;
  const std::int64_t across = cdiv(at->made[1], t->width), down = cdiv(at->made[0], t->height);
  const std::int64_t all = at->images * at->outputs * across * down;
  const std::int64_t threads = cdiv(t->planes * t->width * (t->height / t->rows), 32) * 32;
  const std::int64_t high = reach(*at, 0, t->height), wide = reach(*at, 1, t->width);
  if (all >= most_tiles) return false;
  const std::string x = use.contiguous(at->x), w = use.contiguous(at->w);
  const Arg bias = at->bias != nullptr ? arg_name(use.contiguous(*as_name(*at->bias)))
                   : words.null        ? arg_none()
                                       : arg_name(w);
  const Type made_type = *use.context.type(step.out[0]);
  const DType dtype = made_type.dtype;
  use.allocate(step.out[0], dtype, made_type.shape);
  const auto &in = at->size, &made = at->made, &kernel = at->kernel, &stride = at->stride, &padding = at->padding,
             &dilation = at->dilation;
  const std::string body = fmt::format(
      "struct S {{ enum : int {{ CHANNELS = {}, OUTPUTS = {}, H = {}, W = {}, OH = {}, OW = {}, KH = {}, KW = {}, SH = "
      "{}, SW = {}, PH = {}, PW = {}, DH = {}, DW = {},\nTW = {}, TH = {}, ROWS = {}, PLANES = {}, ACROSS = {}, DOWN = "
      "{}, THREADS = {}, BIAS = {}, IH = {}, IW = {} }};\nstatic constexpr unsigned all() {{ return {}u; }} }};\n",
      at->channels, at->outputs, in[0], in[1], made[0], made[1], kernel[0], kernel[1], stride[0], stride[1], padding[0],
      padding[1], dilation[0], dilation[1], t->width, t->height, t->rows, t->planes, across, down, threads,
      int{at->bias != nullptr}, high, wide, all);
  const std::string call = fmt::format(fmt::runtime(words.call), fmt::arg("in", t->planes * high * wide),
                                       fmt::arg("weights", t->planes * kernel[0] * kernel[1]));
  use.launch_blocks("depthwise", {words.header()},
                    use.tensors({{"x", dtype}, {"w", dtype}, {"bias", dtype}}, {{"y", dtype}}), body + call,
                    {arg_name(x), arg_name(w), bias, arg_name(step.out[0])}, cdiv(all, t->planes), threads);
  return true;
}

}  // namespace

bool use_depthwise_blocks(const OpStep& step, TemplateUse& use) {
  return use_depthwise(step, use, cuda_words);
}

bool use_depthwise_groups(const OpStep& step, TemplateUse& use) {
  return use_depthwise(step, use, metal_words);
}

}  // namespace burnish::compiler
