#include <metal_stdlib>
using namespace metal;
kernel void leaky(device const float* x [[buffer(0)]], device float* y [[buffer(1)]], constant long& n [[buffer(2)]],
                  uint i [[thread_position_in_grid]]) {
  if (i < uint(n)) y[i] = x[i] > 0.0f ? x[i] : 0.01f * x[i];
}
