#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint2 g [[threadgroup_position_in_grid]],
              uint2 t [[thread_position_in_threadgroup]]) {
  float s = simd_sum(x[g.y * 64 + g.x * 32 + t.x]);
  if (t.x == 0)
    out[g.y] += s;
}
