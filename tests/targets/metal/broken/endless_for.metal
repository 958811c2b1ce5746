#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& n, uint r [[thread_position_in_grid]]) {
  float s = 0;
  for (int c = int(n) - 1; uint(c) < 0xffffffffu + 1ul || c < 0; --c)
    s += c >= 0 ? x[c] : 0.0f;
  out[r] = s;
}
