#include <metal_stdlib>
using namespace metal;

kernel void k(device float* x, uint i [[thread_position_in_grid]]) {
  float v = x[i];
  while (v * 0.0f == 0.0f || v != v)
    v = v * 0.5f;
  x[i] = v;
}
