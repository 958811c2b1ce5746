#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float part[64];
  part[t] = x[t];
  out[t] = part[63 - t];
}
