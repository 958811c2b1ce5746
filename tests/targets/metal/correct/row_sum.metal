#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint r [[threadgroup_position_in_grid]],
              uint t [[thread_position_in_threadgroup]], uint size [[threads_per_threadgroup]],
              uint lane [[thread_index_in_simdgroup]], uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part[32];
  float s = 0;
  for (uint c = t; c < n; c += size) s += x[r * n + c];
  s = simd_sum(s);
  if (lane == 0) part[sg] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (sg == 0) {
    s = lane < (size + 31) / 32 ? part[lane] : 0.0f;
    s = simd_sum(s);
    if (lane == 0) out[r] = s;
  }
}
