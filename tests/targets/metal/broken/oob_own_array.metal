#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant int& taps, uint i [[thread_position_in_grid]]) {
  float acc[4] = {0, 0, 0, 0};
  for (int j = 0; j < taps; ++j)
    acc[j] += x[i] * float(j);
  out[i] = acc[0] + acc[1] + acc[2] + acc[3];
}
