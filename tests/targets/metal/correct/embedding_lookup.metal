#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* table, device const long* index, device float* out, constant uint& width,
              uint2 p [[thread_position_in_grid]]) {
  out[p.y * width + p.x] = table[index[p.y] * width + p.x];
}
