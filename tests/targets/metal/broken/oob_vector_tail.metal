#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* x, device float4* out, uint i [[thread_position_in_grid]]) {
  float4 v = x[i];
  out[i] = v + 1.0f;
}
