#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* x, device int* out, uint i [[thread_position_in_grid]]) {
  uint v = uint(x[i]);
  out[i] = int(popcount(v) + clz(v) * 100u + ctz(v | 64u) * 10000u) + int(rotate(1u, 3u)) - int(absdiff(3u, 11u));
}
