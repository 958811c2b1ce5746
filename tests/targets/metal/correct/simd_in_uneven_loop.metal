#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint lane [[thread_index_in_simdgroup]]) {
  float total = 0;
  for (uint round = 0; round < 4; ++round) {
    if (lane % 4 == round) continue;
    total += simd_sum(x[lane]);
  }
  out[lane] = total;
}
