#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device int* out, constant int& n, uint r [[threadgroup_position_in_grid]],
              uint lane [[thread_index_in_simdgroup]]) {
  float best = -INFINITY;
  int place = 0;
  for (int c = int(lane); c < n; c += 32)
    if (x[int(r) * n + c] > best) {
      best = x[int(r) * n + c];
      place = c;
    }
  float top = simd_max(best);
  int mine = best == top ? place : INT_MAX;
  mine = simd_min(mine);
  if (lane == 0) out[r] = mine;
}
