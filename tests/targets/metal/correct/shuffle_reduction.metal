#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]], uint g [[threadgroup_position_in_grid]]) {
  float v = x[i];
  for (ushort o = 16; o > 0; o /= 2) v += simd_shuffle_xor(v, o);
  float w = x[i];
  for (ushort o = 16; o > 0; o /= 2) w = max(w, simd_shuffle_down(w, o));
  if (simd_is_first()) out[g] = v + w;
}
