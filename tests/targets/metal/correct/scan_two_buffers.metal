#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[2][128];
  uint from = 0;
  s[0][t] = x[t];
  for (uint o = 1; o < 128; o *= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    s[1 - from][t] = t >= o ? s[from][t] + s[from][t - o] : s[from][t];
    from = 1 - from;
  }
  out[t] = s[from][t];
}
