#include <metal_stdlib>
using namespace metal;

#define ONE 1.0f
#define CUBE(a) ((a) * (a) * (a))
#if __METAL_VERSION__ < 200
#error too old
#endif

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = CUBE(v) + ONE;
}
