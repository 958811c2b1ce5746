#pragma once
#include <string_view>

#include "compiler/context.h"

namespace burnish::compiler {

/// Computes linear layers and products with a matrix in fp32 class on Hopper's tensor cores, from halves of rows scaled
/// by powers of two (runtime/split_product.cu): 3.5 to 4 times faster than SGEMM where they are large, with a smaller
/// error. Parameters are split once, in `prepare`; what several products read is split once. A bias and a pointwise
/// operator that alone reads the result go into the product. Stands before `fuse`, which must know the layouts.
Result<Plan> use_split_products(Plan plan, Context& context);

/// How a product is cut into tiles.
struct ProductTile {
  int groups = 2;  ///< of 64 rows
  int columns = 128;
  int stages = 3;    ///< in shared memory
  double speed = 1;  ///< TFLOP/s of fp32 class where tiles fill the GPU (bench/cuda_products.py, H200)
  int rows() const { return 64 * groups; }
  int shared_bytes() const { return stages * 256 * (rows() + columns) + 1024; }
};
/// The tile with which the GPU's multiprocessors are done first.
ProductTile choose_tile(std::int64_t m, std::int64_t n, int multiprocessors);

}  // namespace burnish::compiler

namespace burnish {
std::string_view cuda_split_product();  // embedded by the build
}
