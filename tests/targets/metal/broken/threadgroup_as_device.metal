#include <metal_stdlib>
using namespace metal;

void clear(device float* p, uint n) {
  for (uint i = 0; i < n; ++i) p[i] = 0.0f;
}
kernel void k(device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup float s[64];
  clear(s, 64);
  out[t] = s[t];
}
