#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device float* out, constant uint& rows, constant uint& cols,
              uint2 p [[thread_position_in_grid]], uint2 t [[thread_position_in_threadgroup]],
              uint2 g [[threadgroup_position_in_grid]]) {
  threadgroup float tile[16][17];
  tile[t.y][t.x] = x[p.y * cols + p.x];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[(g.x * 16 + t.y) * rows + g.y * 16 + t.x] = tile[t.x][t.y];
}
