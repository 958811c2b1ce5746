#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float part[128];
  part[t] = x[t];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = part[127 - t];
}
