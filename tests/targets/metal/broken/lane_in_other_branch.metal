#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint lane [[thread_index_in_simdgroup]]) {
  float v = x[lane];
  if (lane < 16)
    v += simd_shuffle(v, ushort(lane + 16));
  out[lane] = v;
}
