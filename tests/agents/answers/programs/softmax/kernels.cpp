#include <algorithm>
#include <cmath>
#include <cstdint>

// One row at a time: it stays in the first cache between the three passes.
extern "C" void softmax(int64_t begin, int64_t end, const float* x, float* y, int64_t n) {
  for (int64_t r = begin; r < end; ++r) {
    const float* row = x + r * n;
    float* out = y + r * n;
    float top = row[0];
    for (int64_t i = 1; i < n; ++i) top = std::max(top, row[i]);
    float sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += out[i] = std::exp(row[i] - top);
    const float scale = 1.0f / sum;
    for (int64_t i = 0; i < n; ++i) out[i] *= scale;
  }
}
