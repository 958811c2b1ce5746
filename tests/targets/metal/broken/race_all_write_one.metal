#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  float v = x[i];
  if (v > 0.0f || v <= 0.0f)
    out[0] = v;
}
