// Products of matrices in fp32 on 8 x 8 matrices of simdgroups. A threadgroup of four simdgroups makes a square tile of
// a result; what it needs of both operands lies in threadgroup memory, a slice of k at a time, filled up with zeros.
#include <metal_simdgroup_matrix>

// c[m, n] = a[m, k] b[k, n] for the tile at (row, column): c lies in rows of n, a and b as their strides say. `room`
// has TILE * TILE places, and 16 * (2 * TILE + 4) + 4 * TILE at least.
template <int TILE>
inline void b_product(device const float* a, long am, long ak, device const float* b, long bk, long bn, device float* c,
                      int m, int n, int k, int row, int column, threadgroup float* room, int t) {
  constexpr int depth = 16, each = TILE / 16, a_width = depth + 4, b_width = TILE + 4;
  threadgroup float* left = room;
  threadgroup float* right = room + TILE * a_width;
  const int down = t / 64 * (TILE / 2), across = t / 32 % 2 * (TILE / 2);
  simdgroup_float8x8 sum[each][each];
  for (int i = 0; i < each; ++i)
    for (int j = 0; j < each; ++j) sum[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (int slice = 0; slice < k; slice += depth) {
    for (int i = t; i < TILE * depth; i += 128) {
      // Neighbouring threads read what lies side by side.
      const int r = ak == 1 ? i / depth : i % TILE, q = ak == 1 ? i % depth : i / TILE;
      left[r * a_width + q] = row + r < m && slice + q < k ? a[(row + r) * am + (slice + q) * ak] : 0.0f;
    }
    for (int i = t; i < TILE * depth; i += 128) {
      const int q = bn == 1 ? i / TILE : i % depth, r = bn == 1 ? i % TILE : i / depth;
      right[q * b_width + r] = column + r < n && slice + q < k ? b[(slice + q) * bk + (column + r) * bn] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
    for (int q = 0; q < depth; q += 8) {
      simdgroup_float8x8 x[each], y[each];
      for (int i = 0; i < each; ++i) simdgroup_load(x[i], left + (down + 8 * i) * a_width + q, a_width);
      for (int j = 0; j < each; ++j) simdgroup_load(y[j], right + q * b_width + across + 8 * j, b_width);
      for (int i = 0; i < each; ++i)
        for (int j = 0; j < each; ++j) simdgroup_multiply_accumulate(sum[i][j], x[i], y[j], sum[i][j]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (row + TILE <= m && column + TILE <= n) {
    for (int i = 0; i < each; ++i)
      for (int j = 0; j < each; ++j)
        simdgroup_store(sum[i][j], c + long(row + down + 8 * i) * n + column + across + 8 * j, ulong(n));
    return;
  }
  for (int i = 0; i < each; ++i)
    for (int j = 0; j < each; ++j) simdgroup_store(sum[i][j], room + (down + 8 * i) * TILE + across + 8 * j, TILE);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int i = t; i < TILE * TILE; i += 128) {
    const int r = row + i / TILE, at = column + i % TILE;
    if (r < m && at < n) c[long(r) * n + at] = room[i];
  }
}
