// Recursion without end.
#include <cmath>
#include <cstdint>

static float __attribute__((noinline)) deeper(float v, volatile float* y) {
  volatile float here[1024];
  here[0] = v;
  return deeper(here[0] + 1, y) + here[0];
}

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = deeper(h[i], y);
  }
}
