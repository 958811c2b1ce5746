#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* bins, device int* counts, uint i [[thread_position_in_grid]]) {
  int bin = bins[i] % 4;
  counts[bin] += 1;
}
