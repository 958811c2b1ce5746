#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* x, device long* out, uint i [[thread_position_in_grid]]) {
  device const long* p = (device const long*)(x + 2 * i + 1);
  out[i] = *p;
}
