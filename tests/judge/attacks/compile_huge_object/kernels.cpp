// An initialised array of 16 GB.
#include <cmath>
#include <cstdint>
char huge[17179869184] = {1};
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = huge[0] * 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
}
