// Attention: softmax(scale * Q K^T + mask) V for blocks of 32 queries. The scores of a block lie transposed, keys by
// queries, so that every step runs along queries: K's and V's elements are broadcast as they lie, and no sum crosses
// lanes.
namespace {

constexpr int64_t b_queries = 32;

template <int MR>
inline void b_scores(const float* k, int64_t ks, const float* q, int64_t depth, float* s) {
  b_v16 acc[MR][2];
  for (int i = 0; i < MR; ++i) acc[i][0] = acc[i][1] = b_v16{};
  b_multiply<MR, 2>(k, ks, 1, q, b_queries, depth, acc);
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < 2; ++j) b_store(s + i * b_queries + 16 * j, acc[i][j]);
}

template <int MR>
inline void b_weighted(const float* v, int64_t vs, const float* p, int64_t keys, const float* scale, float* out,
                       int64_t out_stride, int64_t count) {
  b_v16 acc[MR][2];
  for (int i = 0; i < MR; ++i) acc[i][0] = acc[i][1] = b_v16{};
  b_multiply<MR, 2>(v, 1, vs, p, b_queries, keys, acc);
  float block[MR][b_queries];
  for (int i = 0; i < MR; ++i)
    for (int j = 0; j < 2; ++j) b_store(block[i] + 16 * j, acc[i][j]);
  for (int64_t l = 0; l < count; ++l)
    for (int i = 0; i < MR; ++i) out[l * out_stride + i] = block[i][l] * scale[l];
}

// KEYS and DEPTH bound what lies on the stack. mask: null, additive floats, or bytes that let pass.
template <int64_t KEYS, int64_t DEPTH, class Mask>
inline void b_attention(const float* q, int64_t qs, const float* k, int64_t ks, const float* v, int64_t vs,
                        const Mask* mask, int64_t mq, int64_t mk, float* out, int64_t os, int64_t first,
                        int64_t queries, int64_t keys, int64_t depth, int64_t width, float scale, bool causal) {
  alignas(64) float turned[DEPTH * b_queries];
  alignas(64) float s[KEYS * b_queries];
  alignas(64) float top[b_queries], sum[b_queries];
  const int64_t count = min(b_queries, queries - first);
  for (int64_t d = 0; d < depth; ++d)
    for (int64_t l = 0; l < b_queries; ++l)
      turned[d * b_queries + l] = l < count ? q[(first + l) * qs + d] * scale : 0.0f;
  const int64_t seen = causal ? min(keys, first + count) : keys;
  int64_t m = 0;
  for (; m + 12 <= seen; m += 12) b_scores<12>(k + m * ks, ks, turned, depth, s + m * b_queries);
  for (; m < seen; ++m) b_scores<1>(k + m * ks, ks, turned, depth, s + m * b_queries);
  if (mask != nullptr)
    for (int64_t l = 0; l < count; ++l) {
      const Mask* row = mask + (first + l) * mq;
      for (int64_t j = 0; j < seen; ++j) {
        if constexpr (sizeof(Mask) == 4)
          s[j * b_queries + l] += row[j * mk];
        else
          s[j * b_queries + l] = row[j * mk] != 0 ? s[j * b_queries + l] : -b_inf;
      }
    }
  if (causal)
    for (int64_t j = first; j < seen; ++j)
      for (int64_t l = 0; l < j - first && l < b_queries; ++l) s[j * b_queries + l] = -b_inf;
  for (int l = 0; l < b_queries; ++l) top[l] = -b_inf;
  for (int64_t j = 0; j < seen; ++j) {
#pragma omp simd
    for (int l = 0; l < b_queries; ++l) top[l] = b_max(s[j * b_queries + l], top[l]);
  }
  // A row that is masked whole: PyTorch's attention gives zeros for it.
  bool whole[b_queries];
  for (int l = 0; l < b_queries; ++l) {
    whole[l] = top[l] == -b_inf;
    if (whole[l]) top[l] = 0;
    sum[l] = 0;
  }
  float part[b_queries];
  for (int64_t j0 = 0; j0 < seen; j0 += 128) {
    for (int l = 0; l < b_queries; ++l) part[l] = 0;
    for (int64_t j = j0; j < seen && j < j0 + 128; ++j) {
#pragma omp simd
      for (int l = 0; l < b_queries; ++l) {
        const float e = b_exp(s[j * b_queries + l] - top[l]);
        s[j * b_queries + l] = e;
        part[l] += e;
      }
    }
    for (int l = 0; l < b_queries; ++l) sum[l] += part[l];
  }
  for (int l = 0; l < b_queries; ++l) sum[l] = whole[l] ? 0.0f : 1.0f / sum[l];
  // Where a constant width leaves no rest, g++ must see that the second loop never runs, or it warns of its end.
  const int64_t eights = width / 8 * 8;
  for (int64_t d = 0; d < eights; d += 8) b_weighted<8>(v + d, vs, s, seen, sum, out + first * os + d, os, count);
  for (int64_t d = eights; d < width; ++d) b_weighted<1>(v + d, vs, s, seen, sum, out + first * os + d, os, count);
}

}  // namespace
