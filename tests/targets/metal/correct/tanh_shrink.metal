#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = v - precise::tanh(v);
}
