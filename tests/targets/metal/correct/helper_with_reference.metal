#include <metal_stdlib>
using namespace metal;

void grow(thread float& v) { v = v * 2.0f + 1.0f; }
float twice(float v) {
  grow(v);
  return v;
}

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = twice(v);
}
