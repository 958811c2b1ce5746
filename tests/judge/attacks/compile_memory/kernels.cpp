// A constant expression that takes all memory.
#include <cmath>
#include <cstdint>
#include <utility>
template <class>
struct Length;
template <int... v>
struct Length<std::integer_sequence<int, v...>> {
  static constexpr int value = sizeof...(v);
};
constexpr int length = Length<std::make_integer_sequence<int, 2000000000>>::value;
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
}
