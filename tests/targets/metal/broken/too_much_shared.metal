#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float a[4096];
  threadgroup float b[4100];
  a[t] = x[t];
  b[t] = x[t];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = a[t] + b[t];
}
