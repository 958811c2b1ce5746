#include <metal_stdlib>
using namespace metal;

kernel void k(device const bfloat* a, device const bfloat* b, device bfloat* out, uint i [[thread_position_in_grid]]) {
  bfloat p = a[i] * b[i];
  out[i] = bfloat(float(p) + float(a[i]));
}
