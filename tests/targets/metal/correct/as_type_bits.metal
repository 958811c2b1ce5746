#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint i [[thread_position_in_grid]]) {
  uint bits = as_type<uint>(x[i]);
  bits &= 0x7fffffffu;
  out[i] = as_type<float>(bits) + float(as_type<ushort>(half(1.0h)) == 0x3c00);
}
