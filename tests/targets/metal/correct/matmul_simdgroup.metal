#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* a, device const float* b, device float* out, constant uint& n,
              uint2 g [[threadgroup_position_in_grid]]) {
  simdgroup_float8x8 acc = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (uint i = 0; i < n; i += 8) {
    simdgroup_float8x8 ma, mb;
    simdgroup_load(ma, a + g.y * 8 * n + i, n);
    simdgroup_load(mb, b + i * n + g.x * 8, n);
    simdgroup_multiply_accumulate(acc, ma, mb, acc);
  }
  simdgroup_store(acc, out + g.y * 8 * n + g.x * 8, n);
}
