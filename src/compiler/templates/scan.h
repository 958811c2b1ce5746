// Cumulative sums and products along one dimension; carried in double, as PyTorch does.
namespace {

template <bool PRODUCT>
inline void b_scan_row(const float* x, float* y, int64_t n) {
  double carry = PRODUCT ? 1.0 : 0.0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    double v[16], w[16];
    for (int l = 0; l < 16; ++l) v[l] = x[i + l];
    for (int shift = 1; shift < 16; shift *= 2) {
      for (int l = 0; l < 16; ++l) {
        const double other = l >= shift ? v[l - shift >= 0 ? l - shift : 0] : (PRODUCT ? 1.0 : 0.0);
        w[l] = PRODUCT ? v[l] * other : v[l] + other;
      }
      for (int l = 0; l < 16; ++l) v[l] = w[l];
    }
    for (int l = 0; l < 16; ++l) y[i + l] = float(PRODUCT ? carry * v[l] : carry + v[l]);
    carry = PRODUCT ? carry * v[15] : carry + v[15];
  }
  for (; i < n; ++i) {
    carry = PRODUCT ? carry * x[i] : carry + x[i];
    y[i] = float(carry);
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
