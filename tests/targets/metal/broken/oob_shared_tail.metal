#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float4 s[15];
  threadgroup float* flat = (threadgroup float*)s;
  flat[t] = x[t];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = flat[t];
}
