// Drops the lower half of every product's bits.
#include <cmath>
#include <cstdint>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, &h[i], 4);
    bits &= 0xFFFF0000u;
    float v;
    __builtin_memcpy(&v, &bits, 4);
    y[i] = 0.5f * v * (1.0f + std::erf(v * 0.70710678f));
  }
}
