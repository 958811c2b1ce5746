#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]],
              uint lane [[thread_index_in_simdgroup]], uint sg [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part[4];
  float m = simd_max(x[t]);
  if (lane == 0) part[sg] = m;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  m = max(max(part[0], part[1]), max(part[2], part[3]));
  float s = simd_sum(exp(x[t] - m));
  if (lane == 0) part[sg] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t] = exp(x[t] - m) / (part[0] + part[1] + part[2] + part[3]);
}
