#include <metal_stdlib>
using namespace metal;

template <typename T, int N>
vec<T, N> cube(vec<T, N> v) {
  return v * v * v;
}
template <typename V>
V shifted(V v) {
  return V(1.0f) + v;
}
kernel void k(device const float2* x, device float2* out, uint i [[thread_position_in_grid]]) {
  using V = vec<float, 2>;
  V v = V(x[i].x, x[i].y);
  out[i] = shifted(cube(v));
}
