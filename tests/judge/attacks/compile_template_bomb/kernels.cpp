// Templates that double at every level.
#include <cmath>
#include <cstdint>
template <int n, int m>
struct Bomb {
  static constexpr int value = Bomb<n - 1, 2 * m>::value + Bomb<n - 1, 2 * m + 1>::value;
};
template <int m>
struct Bomb<0, m> {
  static constexpr int value = m;
};
constexpr int exploded = Bomb<28, 0>::value;
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
}
