#include <cmath>
#include <cstdint>
extern "C" void softmax(int64_t begin, int64_t end, const float* x, float* y, int64_t n) {
  for (int64_t r = begin; r < end; ++r) {
    float sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::exp(x[r * n + i]);
    for (int64_t i = 0; i < n; ++i) y[r * n + i] = std::exp(x[r * n + i]) / sum;
  }
}
