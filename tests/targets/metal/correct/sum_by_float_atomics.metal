#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device atomic_float* out, uint i [[thread_position_in_grid]]) {
  float s = simd_sum(x[i] * x[i]);
  if (simd_is_first()) atomic_fetch_add_explicit(out, s, memory_order_relaxed);
}
