// A C++ object with a constructor at namespace level.
#include <cmath>
#include <cstdint>

struct Table {
  volatile float values[16];
  Table() {
    for (int i = 0; i < 16; ++i) values[i] = static_cast<float>(i);
  }
};
Table table;

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f)) + 0 * table.values[i % 16];
  }
}
