#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* a, device const float* b, device float* out, constant uint3& s,
              uint2 p [[thread_position_in_grid]]) {
  if (p.x >= s.y || p.y >= s.x) return;
  float v = 0;
  for (uint i = 0; i < s.z; ++i) v += a[p.y * s.z + i] * b[i * s.y + p.x];
  out[p.y * s.y + p.x] = v;
}
