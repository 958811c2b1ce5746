#include <metal_stdlib>
using namespace metal;

struct Two {
  device const float* a;
  device const float* b;
};
kernel void k(constant Two& in [[buffer(0)]], device float* out [[buffer(1)]], uint i [[thread_position_in_grid]]) {
  out[i] = in.a[i] + in.b[i];
}
