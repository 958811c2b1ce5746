#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint r [[threadgroup_position_in_grid]],
              uint lane [[thread_index_in_simdgroup]]) {
  float s = 0;
  for (uint c = lane; c < n; c += 32) s += x[r * n + c] * x[r * n + c];
  s = rsqrt(simd_sum(s) / float(n) + 1e-6f);
  for (uint c = lane; c < n; c += 32) out[r * n + c] = x[r * n + c] * s;
}
