#include <metal_stdlib>
using namespace metal;

kernel void k(device const half* x, device half* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup half part[64];
  part[t] = x[t];
  out[t] = part[t ^ 1];
}
