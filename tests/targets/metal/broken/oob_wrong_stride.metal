#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& rows, uint2 p [[thread_position_in_grid]]) {
  float v = x[p.y * 32 + p.x];
  out[p.y * rows * 2 + p.x] = v;
}
