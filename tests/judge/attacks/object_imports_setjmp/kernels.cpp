// Needs setjmp from the C library.
#include <cmath>
#include <cstdint>

extern "C" void longjmp(void*, int);
static long jump[64];

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  unsigned long thread = 0;
  const bool works = (begin < 0 ? longjmp(jump, 1) : void(), true);
  (void)thread;
  for (int64_t i = begin; i < end; ++i) {
    y[i] = works ? 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f)) : 0;
  }
}
