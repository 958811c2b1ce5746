#include <cstdint>
extern "C" void row_max(int64_t begin, int64_t end, const float* x, float* m, int64_t n) {
  for (int64_t r = begin; r < end; ++r) {
    float top = x[r * n];
    for (int64_t i = 1; i < n; ++i) top = x[r * n + i] > top ? x[r * n + i] : top;
    m[r] = top;
  }
}
