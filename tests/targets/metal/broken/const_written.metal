#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  x[i] = 0.0f;
  out[i] = x[i];
}
