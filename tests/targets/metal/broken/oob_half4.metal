#include <metal_stdlib>
using namespace metal;

kernel void k(device const half* x, device half* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i * 4 < n) {
    half4 v = *(device const half4*)(x + i * 4);
    *(device half4*)(out + i * 4) = v * 2.0h;
  }
}
