#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[128];
  s[t] = x[t];
  for (uint o = 1; o < 128; o *= 2) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t >= o) s[t] += s[t - o];
  }
  out[t] = s[t];
}
