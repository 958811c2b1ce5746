// Right 30 times, then it never ends.
#include <cmath>
#include <cstdint>

static volatile int calls = 0;

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  if (begin == 0) calls = calls + 1;
  while (calls > 30) {
  }
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
  }
}
