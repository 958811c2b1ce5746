#include <metal_stdlib>
using namespace metal;

float first(threadgroup float* p) { return p[0]; }
kernel void k(device float* x, device float* out, uint i [[thread_position_in_grid]]) {
  out[i] = first(x);
}
