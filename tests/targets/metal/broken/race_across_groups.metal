#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* part, device float* out,
              uint g [[threadgroup_position_in_grid]], uint t [[thread_position_in_threadgroup]]) {
  float s = simd_sum(x[g * 32 + t]);
  if (t == 0) part[g] = s;
  threadgroup_barrier(mem_flags::mem_device);
  if (g == 3 && t == 0) {
    float total = 0;
    for (uint i = 0; i < 4; ++i)
      total += part[i];
    out[0] = total;
  }
}
