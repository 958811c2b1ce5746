#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant long* strides, uint2 p [[thread_position_in_grid]], uint2 n [[threads_per_grid]]) {
  out[p.y * n.x + p.x] = x[p.y * strides[0] + p.x * strides[1]];
}
