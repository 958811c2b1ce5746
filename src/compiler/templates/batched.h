#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/templates/templates.h"

namespace burnish::compiler {

/// Products of matrices with batch dimensions: batch times [m, k] [k, n], any strides.
struct BatchedProduct {
  StridedTensor a, b;
  std::int64_t batch = 1, m = 1, n = 1, k = 1;
  std::int64_t am = 0, ak = 0, bk = 0, bn = 0;  ///< strides, in elements
  std::vector<std::int64_t> sizes;              ///< of the batch dimensions of the result
  std::string at_a, at_b;                       ///< where product number (d0, d1, ...) begins in a and b

  /// Statements that take the number of a product, `batch`, apart into d0, d1, ... of that type.
  std::string decode(std::string_view type) const;
};

/// Nothing for other operators, for one matrix, for sizes that are not known, and for products so small that ATen's
/// call costs as little.
std::optional<BatchedProduct> read_batched_product(const OpStep& step, const TemplateUse& use);

}  // namespace burnish::compiler
