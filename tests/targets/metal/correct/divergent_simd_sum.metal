#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint lane [[thread_index_in_simdgroup]]) {
  float v = x[lane];
  float s;
  if (lane < 12) {
    s = simd_sum(v);
  } else {
    s = simd_max(v);
  }
  out[lane] = s + simd_min(v);
}
