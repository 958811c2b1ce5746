#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* a, device float* out, uint2 t [[thread_position_in_threadgroup]]) {
  threadgroup float tile[16][17];
  tile[t.y][t.x] = a[t.y * 16 + t.x];
  out[t.y * 16 + t.x] = tile[t.x][t.y];
}
