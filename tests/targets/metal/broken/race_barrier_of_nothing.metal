#include <metal_stdlib>
using namespace metal;

kernel void k(device float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  x[t] = x[t] * 2.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = x[(t + 1) % 64];
}
