// Cumulative sums and products along one dimension; carried in double, as PyTorch does.
namespace {

// ROWS rows at a time: each waits for its own last sum only, so their additions overlap.
template <bool PRODUCT, int ROWS>
inline void b_scan_rows(const float* x, float* y, int64_t n) {
  double carry[ROWS];
  for (int r = 0; r < ROWS; ++r) carry[r] = PRODUCT ? 1.0 : 0.0;
  for (int64_t i = 0; i < n; ++i)
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      carry[r] = PRODUCT ? carry[r] * x[r * n + i] : carry[r] + x[r * n + i];
      y[r * n + i] = float(carry[r]);
    }
}

// Columns side by side: `width` of them, `stride` apart along the scan.
template <bool PRODUCT>
inline void b_scan_columns(const float* x, float* y, int64_t n, int64_t stride, int64_t width) {
  double carry[64];
  for (int l = 0; l < 64; ++l) carry[l] = PRODUCT ? 1.0 : 0.0;
  for (int64_t i = 0; i < n; ++i) {
#pragma omp simd
    for (int64_t l = 0; l < width; ++l) {
      carry[l] = PRODUCT ? carry[l] * x[i * stride + l] : carry[l] + x[i * stride + l];
      y[i * stride + l] = float(carry[l]);
    }
  }
}

}  // namespace
