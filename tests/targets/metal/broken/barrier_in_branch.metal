#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[64];
  s[t] = x[t];
  if (t < 32)
    threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = s[t];
}
