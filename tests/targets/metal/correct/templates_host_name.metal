#include <metal_stdlib>
using namespace metal;

template <typename T, int scale>
[[kernel]] void scaled(device const T* x [[buffer(0)]], device T* out [[buffer(1)]], uint i [[thread_position_in_grid]]) {
  out[i] = x[i] * T(scale);
}
template [[host_name("k")]] [[kernel]] void scaled<float, 3>(device const float* x [[buffer(0)]], device float* out [[buffer(1)]],
                                                             uint i [[thread_position_in_grid]]);
template [[host_name("k_half")]] [[kernel]] decltype(scaled<half, 2>) scaled<half, 2>;
