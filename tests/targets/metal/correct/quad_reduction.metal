#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]], uint q [[thread_index_in_quadgroup]]) {
  float s = quad_sum(x[i]);
  float other = quad_shuffle_xor(x[i], 1);
  if (q == 0) out[i / 4] = s + other;
}
