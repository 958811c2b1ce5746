#include <metal_stdlib>
using namespace metal;

kernel void k(device const float4* a, device float4* out, uint i [[thread_position_in_grid]]) {
  float4 v = a[i];
  float2 t = v.wz;
  v.xy = t.yx * 2.0f;
  v.b = dot(v.xy, float2(0.5f, 0.5f));
  out[i] = float4(v.rgb, v[3]).wzyx;
}
