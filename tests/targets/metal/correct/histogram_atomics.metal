#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* v, device atomic_int* counts, uint i [[thread_position_in_grid]],
              uint t [[thread_position_in_threadgroup]]) {
  threadgroup atomic_int mine[8];
  if (t < 8) atomic_store_explicit(&mine[t], 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  atomic_fetch_add_explicit(&mine[v[i] % 8], 1, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t < 8) atomic_fetch_add_explicit(&counts[t], atomic_load_explicit(&mine[t], memory_order_relaxed), memory_order_relaxed);
}
