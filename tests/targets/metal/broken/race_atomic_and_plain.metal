#include <metal_stdlib>
using namespace metal;

kernel void k(device atomic_uint* count, device uint* plain, uint i [[thread_position_in_grid]]) {
  if (i != 0) atomic_fetch_add_explicit(&count[0], 1u, memory_order_relaxed);
  device uint* same = (device uint*)count;
  if (i == 63)
    plain[0] = same[0];
}
