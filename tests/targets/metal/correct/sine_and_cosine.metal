#include <metal_stdlib>
using namespace metal;

float both(float v) {
  float c;
  float s = sincos(v, c);
  return s + 2.0f * c;
}

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = both(v);
}
