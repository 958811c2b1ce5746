#include <metal_stdlib>
using namespace metal;

constant float weights[4] = {0.1f, 0.2f, 0.3f, 0.4f};
kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  out[i] = x[i] * weights[i % 5];
}
