// Walks backwards from its input through all of memory.
#include <cmath>
#include <cstdint>

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  volatile float sum = 0;
  for (const float* p = h; sum == sum; --p) sum = sum + 0 * *p + (p == nullptr);
  for (int64_t i = begin; i < end; ++i) {
    y[i] = sum;
  }
}
