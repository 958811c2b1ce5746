#include <metal_stdlib>
using namespace metal;

kernel void k(device const int* x, device int* out, uint i [[thread_position_in_grid]]) {
  int n = x[i] + 1, steps = 0;
  while (n != 1) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    ++steps;
  }
  do {
    steps += 2;
  } while (steps < 0);
  out[i] = steps - 2;
}
