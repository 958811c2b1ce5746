#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* w, device const float4* x, device float* out, constant uint& n4,
              uint r [[threadgroup_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  float s = 0;
  for (uint i = lane; i < n4; i += 32) s += dot(w[r * n4 + i], x[i]);
  s = simd_sum(s);
  if (simd_is_first()) out[r] = s;
}
