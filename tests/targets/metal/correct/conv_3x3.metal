#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device const float* w, device float* out, constant int2& size, constant int& channels,
              uint3 p [[thread_position_in_grid]]) {
  float v = 0;
  for (int c = 0; c < channels; ++c)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 3; ++i) {
        int2 at = int2(p.xy) + int2(i - 1, j - 1);
        if (any(at < int2(0)) || any(at >= size)) continue;
        v += x[(c * size.y + at.y) * size.x + at.x] * w[((int(p.z) * channels + c) * 3 + j) * 3 + i];
      }
  out[(int(p.z) * size.y + int(p.y)) * size.x + int(p.x)] = v;
}
