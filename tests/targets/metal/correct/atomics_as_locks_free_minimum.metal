#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* x, device atomic_int* low, device atomic_uint* bits, uint i [[thread_position_in_grid]]) {
  int v = (x[i] * 37) % 101;
  atomic_fetch_min_explicit(low, v, memory_order_relaxed);
  atomic_fetch_or_explicit(bits, 1u << uint(v % 8), memory_order_relaxed);
}
