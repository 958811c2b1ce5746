// A kernel that takes other arguments than the launch gives.
#include <cmath>
#include <cstdint>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float scale, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = h[i] * scale;
  }
}
