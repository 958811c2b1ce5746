#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  device const float2* p = (device const float2*)(x + 3 * i);
  float2 v = *p;
  out[i] = v.x + v.y;
}
