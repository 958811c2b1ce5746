#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint r [[thread_position_in_grid]]) {
  float s;
  for (uint c = 0; c < n; ++c)
    s += x[r * n + c];
  out[r] = s;
}
