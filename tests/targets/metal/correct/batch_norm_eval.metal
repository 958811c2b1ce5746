#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device const float* mean, device const float* var, device const float* w,
              device const float* b, device float* out, constant int& inner, constant int& channels,
              uint i [[thread_position_in_grid]]) {
  int ch = (int(i) / inner) % channels;
  out[i] = (x[i] - mean[ch]) * rsqrt(var[ch] * var[ch] + 1e-5f) * w[ch] + b[ch];
}
