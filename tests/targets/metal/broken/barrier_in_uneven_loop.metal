#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint t [[thread_position_in_threadgroup]]) {
  float v = 0;
  for (uint i = t; i < n; i += 64) {
    v += x[i];
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  out[t] = v;
}
