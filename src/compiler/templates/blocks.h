// Vectors of 16 floats, for templates that keep blocks of results in registers.
namespace {

typedef float b_v16 __attribute__((vector_size(64)));
typedef float b_v16u __attribute__((vector_size(64), aligned(4), may_alias));

inline b_v16 b_load(const float* p) {
  return *reinterpret_cast<const b_v16u*>(p);
}
inline void b_store(float* p, b_v16 v) {
  *reinterpret_cast<b_v16u*>(p) = v;
}

// acc[i][j] += a[i * am + k * ak] * b[k * bk + 16 * j], for k < depth: a block of MR x (16 * NV) results in registers.
template <int MR, int NV>
inline void b_multiply(const float* a, int64_t am, int64_t ak, const float* b, int64_t bk, int64_t depth,
                       b_v16 (&acc)[MR][NV]) {
  for (int64_t k = 0; k < depth; ++k) {
    b_v16 row[NV];
    for (int j = 0; j < NV; ++j) row[j] = b_load(b + k * bk + 16 * j);
    for (int i = 0; i < MR; ++i) {
      const float x = a[i * am + k * ak];
      for (int j = 0; j < NV; ++j) acc[i][j] += x * row[j];
    }
  }
}

}  // namespace
