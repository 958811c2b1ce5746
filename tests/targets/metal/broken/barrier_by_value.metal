#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[t];
  float v = 0;
  while (v < x[t]) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    v += 0.5f;
  }
  out[t] = v;
}
