#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  ushort from = ushort(i * 2);
  out[i] = simd_shuffle(x[i], from);
}
