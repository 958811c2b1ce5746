#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* x, device float4* out, uint i [[thread_position_in_grid]]) {
  bool4 positive = x[i] > float4(0.0f);
  out[i] = select(float4(-1.0f), x[i], positive) + float4(all(positive) ? 0.0f : 0.0f);
}
