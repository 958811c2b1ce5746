#include <cmath>
#include <cstdint>

extern "C" void bias_gelu(int64_t begin, int64_t end, const float* h, const float* b, float* y, int64_t columns) {
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t c = 0; c < columns; ++c) {
      const float v = h[row * columns + c] + b[c];
      y[row * columns + c] = 0.5f * v * (1.0f + std::erf(v * 0.70710678118654752f));
    }
  }
}
