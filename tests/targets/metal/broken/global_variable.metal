#include <metal_stdlib>
using namespace metal;

int calls = 0;
kernel void k(device float* x, uint i [[thread_position_in_grid]]) { x[i] = float(calls); }
