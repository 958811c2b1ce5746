#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* x, device atomic_int* out, uint i [[thread_position_in_grid]]) {
  atomic_fetch_max_explicit(out, x[i] * 3 % 101, memory_order_relaxed);
}
