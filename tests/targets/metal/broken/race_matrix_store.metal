#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* a, device float* out, uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float tile[64];
  simdgroup_float8x8 m;
  simdgroup_load(m, a, 8);
  simdgroup_store(m, tile, 8);
  out[lane] = tile[63 - lane];
}
