#include <metal_stdlib>
using namespace metal;

kernel void k(device float* x, uint i [[thread_position_in_grid]]) { x[i] += 1.0f; }
