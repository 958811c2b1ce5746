#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* a, device const float4* b, device float4* out, uint i [[thread_position_in_grid]]) {
  out[i] = a[i] + b[i].xyzw * float4(1.0f, float2(1.0f), 1.0f);
}
