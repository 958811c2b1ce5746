#include <metal_stdlib>
using namespace metal;

kernel void k(device float* x, constant uint& n, uint i [[thread_position_in_grid]]) {
  float right = i + 1 < n ? x[i + 1] : 0.0f;
  x[i] = x[i] + right;
}
