#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[128];
  s[t] = x[t];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint o = 64; o > 0; o /= 2) {
    if (t < o)
      s[t] = max(s[t], s[t + o]);
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (t == 0) out[0] = s[0];
}
