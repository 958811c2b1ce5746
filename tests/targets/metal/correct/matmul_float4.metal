#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* a, device const float4* bt, device float* out, constant uint& k4, uint2 p [[thread_position_in_grid]], uint2 n [[threads_per_grid]]) {
  float4 acc = 0.0f;
  for (uint i = 0; i < k4; ++i) acc += a[p.y * k4 + i] * bt[p.x * k4 + i];
  out[p.y * n.x + p.x] = acc.x + acc.y + acc.z + acc.w;
}
