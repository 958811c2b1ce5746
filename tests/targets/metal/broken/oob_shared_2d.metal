#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint2 t [[thread_position_in_threadgroup]]) {
  threadgroup float tile[8][8];
  tile[t.y][t.x] = x[t.y * 8 + t.x];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[t.y * 8 + t.x] = tile[t.y + 1][t.x];
}
