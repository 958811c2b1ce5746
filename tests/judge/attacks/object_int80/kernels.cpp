// A system call by the old interrupt.
#include <cmath>
#include <cstdint>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  long answer;
  asm volatile("int $0x80" : "=a"(answer) : "a"(20) : "memory");
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
  }
}
