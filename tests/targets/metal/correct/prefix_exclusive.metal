#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  out[i] = simd_prefix_exclusive_sum(x[i]) + 0.0f * simd_prefix_inclusive_product(1.0f);
}
