// Batched matrix products with any strides. B is packed in panels of 48 columns; a panel stays in the second cache
// while the rows of A stream past it, eight at a time, their elements broadcast.
namespace {

constexpr int64_t b_panel = 48, b_depth = 1024;

template <int MR>
inline void b_product_rows(const float* a, int64_t am, int64_t ak, const float* panel, int64_t depth, float* c,
                           int64_t cm, int64_t columns, bool first) {
  b_v16 acc[MR][3];
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < 3; ++j) acc[i][j] = b_v16{};
  b_multiply<MR, 3>(a, am, ak, panel, b_panel, depth, acc);
  for (int i = 0; i < MR; ++i) {
    float out[b_panel];
    for (int j = 0; j < 3; ++j) b_store(out + 16 * j, acc[i][j]);
    float* row = c + i * cm;
    if (columns == b_panel && first) {
      for (int l = 0; l < b_panel; ++l) row[l] = out[l];
    } else if (first) {
      for (int64_t l = 0; l < columns; ++l) row[l] = out[l];
    } else {
      for (int64_t l = 0; l < columns; ++l) row[l] += out[l];
    }
  }
}

// One item is a panel of one product, and a part of its rows where there are few panels.
inline void b_product(const float* a, int64_t am, int64_t ak, const float* b, int64_t bk, int64_t bn, float* c,
                      int64_t cm, int64_t m0, int64_t m1, int64_t n0, int64_t n, int64_t depth) {
  alignas(64) float panel[b_depth * b_panel];
  const int64_t columns = min(b_panel, n - n0);
  for (int64_t k0 = 0; k0 < depth; k0 += b_depth) {
    const int64_t part = min(b_depth, depth - k0);
    if (bn == 1) {
      for (int64_t k = 0; k < part; ++k) {
        const float* row = b + (k0 + k) * bk + n0;
        for (int64_t l = 0; l < columns; ++l) panel[k * b_panel + l] = row[l];
        for (int64_t l = columns; l < b_panel; ++l) panel[k * b_panel + l] = 0;
      }
    } else {
      for (int64_t l = 0; l < columns; ++l) {
        const float* column = b + (n0 + l) * bn + k0 * bk;
        for (int64_t k = 0; k < part; ++k) panel[k * b_panel + l] = column[k * bk];
      }
      for (int64_t l = columns; l < b_panel; ++l)
        for (int64_t k = 0; k < part; ++k) panel[k * b_panel + l] = 0;
    }
    int64_t m = m0;
    for (; m + 8 <= m1; m += 8)
      b_product_rows<8>(a + m * am + k0 * ak, am, ak, panel, part, c + m * cm + n0, cm, columns, k0 == 0);
    for (; m < m1; ++m)
      b_product_rows<1>(a + m * am + k0 * ak, am, ak, panel, part, c + m * cm + n0, cm, columns, k0 == 0);
  }
}

}  // namespace
