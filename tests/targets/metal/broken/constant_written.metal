#include <metal_stdlib>
using namespace metal;

kernel void k(constant float* scale, device float* out, uint i [[thread_position_in_grid]]) {
  scale[0] = 2.0f;
  out[i] *= scale[0];
}
