#include <metal_stdlib>
using namespace metal;

struct Shape {
  int height, width, kernel_size, stride;
};
kernel void k(device const float* x, device float* out, constant Shape& s, uint3 p [[thread_position_in_grid]],
              uint3 n [[threads_per_grid]]) {
  float best = -INFINITY;
  for (int dy = 0; dy < s.kernel_size; ++dy)
    for (int dx = 0; dx < s.kernel_size; ++dx)
      best = max(best, x[(int(p.z) * s.height + int(p.y) * s.stride + dy) * s.width + int(p.x) * s.stride + dx]);
  out[(p.z * n.y + p.y) * n.x + p.x] = best;
}
