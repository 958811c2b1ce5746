#include <metal_stdlib>
using namespace metal;

struct Square {
  float operator()(float v) const { return v * v; }
};
template <typename F>
float apply(float v) {
  return F()(v);
}

kernel void k(device const float* x, device float* out, constant uint& n, uint i [[thread_position_in_grid]]) {
  if (i >= n) return;
  float v = x[i];
  out[i] = apply<Square>(v);
}
