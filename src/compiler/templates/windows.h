#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/context.h"

namespace burnish::compiler {

/// A pooling as templates see it: always three dimensions, the outer ones of size 1 where the operator has fewer.
struct Pooling {
  bool max = false, count_padding = true;
  std::int64_t divisor = 0;  ///< of averages; 0: the window's own size
  std::int64_t planes = 1;
  std::vector<std::int64_t> size, made, kernel, stride, padding, dilation;
};
/// Nothing for other operators, for sizes that are not known, and for adaptive windows that differ in size.
std::optional<Pooling> read_pooling(const OpStep& step, const Context& context);

/// A convolution with one input channel a group: always two dimensions, one row where the operator has one.
struct Depthwise {
  std::string x, w;
  const Arg* bias = nullptr;  ///< null or a tensor
  std::int64_t images = 1, channels = 1, outputs = 1;
  std::vector<std::int64_t> size, made, kernel, stride, padding, dilation;
};
std::optional<Depthwise> read_depthwise(const OpStep& step, const Context& context);

}  // namespace burnish::compiler
