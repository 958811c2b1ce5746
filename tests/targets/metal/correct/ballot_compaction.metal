#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, device int* count, uint lane [[thread_index_in_simdgroup]]) {
  bool keep = x[lane] > 0.0f;
  uint mask = uint(ulong(simd_ballot(keep)));
  uint place = popcount(mask & ((1u << lane) - 1u));
  if (keep) out[place] = x[lane];
  if (lane == 0) count[0] = int(popcount(mask));
}
