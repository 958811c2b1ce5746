#include <metal_stdlib>
using namespace metal;

constant float coefficients[4] = {1.0f, 0.5f, 0.25f, 0.125f};
float along(float v, constant float* p, int n) {
  float r = 0;
  for (int i = n - 1; i >= 0; --i) r = fma(r, v, p[i]);
  return r;
}
float horner(float v) { return along(v, coefficients, 4); }

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = horner(v);
}
