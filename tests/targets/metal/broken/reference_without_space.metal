#include <metal_stdlib>
using namespace metal;

void grow(float& v) { v += 1.0f; }
kernel void k(device float* x, uint i [[thread_position_in_grid]]) {
  float v = x[i];
  grow(v);
  x[i] = v;
}
