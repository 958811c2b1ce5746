#include <metal_stdlib>
using namespace metal;

kernel void k(device const float* x, device uint* out, uint t [[thread_position_in_threadgroup]]) {
  threadgroup atomic_uint count;
  if (x[t] > 0.0f)
    atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t == 0) out[0] = atomic_load_explicit(&count, memory_order_relaxed);
}
