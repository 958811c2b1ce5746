#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* bins, device atomic_int* counts, uint i [[thread_position_in_grid]]) {
  int bin = bins[i] / 4;
  atomic_fetch_add_explicit(&counts[bin], 1, memory_order_relaxed);
}
