#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  float v = x[i];
  for (ushort o = 16; o > 0; o /= 2)
    v += simd_shuffle_down(v, o);
  if (i == 0) out[0] = v;
}
