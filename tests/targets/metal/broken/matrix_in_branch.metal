#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* a, device float* out, uint lane [[thread_index_in_simdgroup]]) {
  simdgroup_float8x8 m;
  simdgroup_load(m, a, 8);
  if (lane < 16)
    simdgroup_store(m, out, 8);
}
