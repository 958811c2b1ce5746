#include <metal_stdlib>
using namespace metal;

constant constexpr uint T = 16;
kernel void k(device const float* a, device const float* b, device float* out, constant uint& n,
              uint2 t [[thread_position_in_threadgroup]], uint2 p [[thread_position_in_grid]]) {
  threadgroup float at[T][T], bt[T][T];
  float v = 0;
  for (uint k0 = 0; k0 < n; k0 += T) {
    at[t.y][t.x] = a[p.y * n + k0 + t.x];
    bt[t.y][t.x] = b[(k0 + t.y) * n + p.x];
    threadgroup_barrier(mem_flags::mem_threadgroup);
#pragma unroll
    for (uint i = 0; i < T; ++i) v = fma(at[t.y][i], bt[i][t.x], v);
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  out[p.y * n + p.x] = v;
}
