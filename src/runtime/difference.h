#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

/// The judge's measuring of one tensor against another, in one pass over memory and in double throughout. What it
/// means, and the same in PyTorch's own operations: python/burnish/judge/numerics.py.
namespace burnish {

/// Sums over the parts that a tensor is cut into: float64, one number a part. `counts` only where there is a mask.
struct PartSums {
  at::Tensor squares, fourths, counts;
};

struct Difference {
  bool finite = true;  ///< every difference that counts is
  std::int64_t count = 0;
  double worst = 0, squares = 0, fourths = 0;
  std::vector<PartSums> parts;
};

/// How far `a` is from `b` (from zero where it is absent), over the positions where `valid` (all where absent).
/// float32 or float64, one shape. `cuts` are the dimensions that a part keeps, one list a way to cut: all but the last,
/// the last alone, or any others without the last. Throws std::invalid_argument for anything else.
Difference difference(const at::Tensor& a, const std::optional<at::Tensor>& b, const std::optional<at::Tensor>& valid,
                      const std::vector<std::vector<std::int64_t>>& cuts);

}  // namespace burnish
