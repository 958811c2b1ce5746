#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, uint2 t [[thread_position_in_threadgroup]]) {
  threadgroup float tile[10][10];
  tile[t.y + 1][t.x + 1] = x[t.y * 8 + t.x];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float s = tile[t.y + 1][t.x + 1];
  s += tile[t.y][t.x + 1];
  out[t.y * 8 + t.x] = s;
}
