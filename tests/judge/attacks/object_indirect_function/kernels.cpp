// A resolver that runs while the object is relocated.
#include <cmath>
#include <cstdint>

extern "C" {
static float plain(float v) { return v; }
float (*resolve())(float) { return plain; }
__attribute__((ifunc("resolve"))) float chosen(float v);
}

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = chosen(0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f)));
  }
}
