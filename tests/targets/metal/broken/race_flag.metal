#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup int flag;
  if (t == 0) flag = x[0] > 0.0f ? 1 : 2;
  out[t] = float(flag);
}
