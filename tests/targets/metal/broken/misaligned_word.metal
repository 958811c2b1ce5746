#include <metal_stdlib>
using namespace metal;

kernel void k(device const uchar* x, device uint* out, uint i [[thread_position_in_grid]]) {
  out[i] = *(device const uint*)(x + i);
}
