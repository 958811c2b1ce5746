#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& rounds, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[2][64];
  for (uint r = 0; r < rounds; ++r) {
    s[0][t] = x[r * 64 + t];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[r * 64 + t] = s[0][63 - t];
  }
}
