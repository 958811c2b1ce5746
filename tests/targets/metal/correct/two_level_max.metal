#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint r [[threadgroup_position_in_grid]], uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[256];
  s[t] = x[r * 256 + t];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint o = 128; o >= 32; o /= 2) {
    if (t < o) s[t] = max(s[t], s[t + o]);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (t < 32) {
    float v = simd_max(s[t]);
    if (t == 0) out[r] = v;
  }
}
