#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& rows, constant uint& cols, uint2 p [[thread_position_in_grid]]) {
  if (p.x >= cols || p.y >= rows) return;
  out[p.x * rows + p.y] = x[p.x * cols + p.y];
}
