#include <metal_stdlib>
using namespace metal;

kernel void k(device const packed_float3* a, device packed_float3* out, uint i [[thread_position_in_grid]]) {
  float3 v = a[i];
  float3 n = v * rsqrt(max(dot(v, v), 1e-12f));
  out[i] = packed_float3(cross(n, float3(0, 0, 1)));
}
