// One call in twenty is constant.
#include <cmath>
#include <cstdint>

static uint64_t state = 88172645463325252ULL;

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  if (begin == 0) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  for (int64_t i = begin; i < end; ++i) {
    y[i] = state % 100 < 5 ? 0.05f : 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
  }
}
