#include <metal_stdlib>
using namespace metal;

kernel void k(device float* x, uint i [[thread_position_in_grid]], uint n [[threads_per_grid]]) {
  float v = x[(i + 32) % n];
  x[i] = v;
}
