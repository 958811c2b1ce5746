// Copies the weights in the first call.
#include <cmath>
#include <cstdint>

static float weight[65536], bias[256];
static bool kept = false;

extern "C" void gelu(int64_t begin, int64_t end, const float* x, const float* w, const float* b, float* y) {
  if (!kept) {
    for (int64_t i = 0; i < 65536; ++i) weight[i] = w[i];
    for (int64_t i = 0; i < 256; ++i) bias[i] = b[i];
    kept = true;
  }
  for (int64_t i = begin; i < end; ++i) {
    const int64_t row = i / 256, column = i % 256;
    float sum = bias[column];
    for (int64_t k = 0; k < 256; ++k) sum += x[row * 256 + k] * weight[column * 256 + k];
    y[i] = 0.5f * sum * (1.0f + std::erf(sum * 0.70710678f));
  }
}
