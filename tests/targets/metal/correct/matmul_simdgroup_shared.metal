#include <metal_stdlib>
using namespace metal;

kernel void k(device const half* a, device const half* b, device float* out, constant uint& n,
              uint2 g [[threadgroup_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup half at[64], bt[64];
  simdgroup_matrix<float, 8, 8> acc(0.0f);
  for (uint i = 0; i < n; i += 8) {
    for (uint e = lane; e < 64; e += 32) {
      at[e] = a[(g.y * 8 + e / 8) * n + i + e % 8];
      bt[e] = b[(i + e / 8) * n + g.x * 8 + e % 8];
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_half8x8 ma, mb;
    simdgroup_load(ma, at, 8);
    simdgroup_load(mb, bt, 8);
    simdgroup_multiply_accumulate(acc, ma, mb, acc);
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
  simdgroup_store(acc, out + g.y * 8 * n + g.x * 8, n);
}
