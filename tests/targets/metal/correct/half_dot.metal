#include <metal_stdlib>
using namespace metal;

kernel void k(device const half2* a, device const half2* b, device half* out, uint i [[thread_position_in_grid]]) {
  half2 p = a[i] * b[i];
  out[i] = p.x + p.y;
}
