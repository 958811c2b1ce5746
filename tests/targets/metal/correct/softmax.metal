#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint r [[threadgroup_position_in_grid]],
              uint t [[thread_position_in_threadgroup]], uint size [[threads_per_threadgroup]],
              uint lane [[thread_index_in_simdgroup]], uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part[32];
  float m = -INFINITY;
  for (uint c = t; c < n; c += size) m = max(m, x[r * n + c]);
  m = simd_max(m);
  if (lane == 0) part[sg] = m;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = 0; i < (size + 31) / 32; ++i) m = max(m, part[i]);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float s = 0;
  for (uint c = t; c < n; c += size) s += exp(x[r * n + c] - m);
  s = simd_sum(s);
  if (lane == 0) part[sg] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  s = 0;
  for (uint i = 0; i < (size + 31) / 32; ++i) s += part[i];
  for (uint c = t; c < n; c += size) out[r * n + c] = exp(x[r * n + c] - m) / s;
}
