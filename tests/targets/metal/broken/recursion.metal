#include <metal_stdlib>
using namespace metal;

int gcd(int a, int b) { return b == 0 ? a : gcd(b, a % b); }
kernel void k(device int* x, uint i [[thread_position_in_grid]]) { x[i] = gcd(x[i], 12); }
