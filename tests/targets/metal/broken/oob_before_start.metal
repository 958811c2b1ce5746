#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  int left = int(i) - 1;
  out[i] = x[i] - x[left];
}
