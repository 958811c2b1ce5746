#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant int& window, uint2 p [[thread_position_in_grid]], uint2 n [[threads_per_grid]]) {
  float s = 0;
  for (int i = 0; i < window; ++i) s += x[(p.y * n.x + p.x) * window + i];
  out[p.y * n.x + p.x] = s / float(window);
}
