#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]],
              uint lane [[thread_index_in_simdgroup]], uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part[8];
  float v = simd_prefix_inclusive_sum(x[t]);
  if (lane == 31) part[sg] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float before = 0;
  for (uint i = 0; i < sg; ++i) before += part[i];
  out[t] = v + before;
}
