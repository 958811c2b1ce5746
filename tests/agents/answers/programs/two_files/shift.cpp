#include <cstdint>
extern "C" void shift(int64_t begin, int64_t end, const float* x, const float* m, float* y, int64_t n) {
  for (int64_t r = begin; r < end; ++r)
    for (int64_t i = 0; i < n; ++i) y[r * n + i] = x[r * n + i] - m[r];
}
