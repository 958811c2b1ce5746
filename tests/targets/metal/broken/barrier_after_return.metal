#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]],
              uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[64];
  if (i >= n) return;
  s[t] = x[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[i] = s[t] * 2.0f;
}
