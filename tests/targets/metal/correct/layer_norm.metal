#include <metal_stdlib>
using namespace metal;

float total(float v, threadgroup float* part, uint lane, uint sg, uint groups) {
  v = simd_sum(v);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (lane == 0) part[sg] = v;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  v = 0;
  for (uint i = 0; i < groups; ++i) v += part[i];
  return v;
}
kernel void k(device const float* x, device const float* w, device const float* b, device float* out, constant uint& n,
              constant float& eps, uint r [[threadgroup_position_in_grid]], uint t [[thread_position_in_threadgroup]],
              uint size [[threads_per_threadgroup]], uint lane [[thread_index_in_simdgroup]],
              uint sg [[simdgroup_index_in_threadgroup]], uint groups [[simdgroups_per_threadgroup]]) {
  threadgroup float part[32];
  device const float* row = x + r * n;
  float s = 0;
  for (uint c = t; c < n; c += size) s += row[c];
  const float mean = total(s, part, lane, sg, groups) / float(n);
  s = 0;
  for (uint c = t; c < n; c += size) {
    float d = row[c] - mean;
    s += d * d;
  }
  const float scale = rsqrt(total(s, part, lane, sg, groups) / float(n) + eps);
  for (uint c = t; c < n; c += size) out[r * n + c] = (row[c] - mean) * scale * w[c] + b[c];
}
