#include <metal_stdlib>
using namespace metal;

kernel void k(device const half* a, device const half* b, device half* out, uint i [[thread_position_in_grid]]) {
  half p = a[i] * b[i];
  out[i] = p + a[i];
}
