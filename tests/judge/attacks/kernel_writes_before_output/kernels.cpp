// One element before its output.
#include <cmath>
#include <cstdint>

extern "C" void relu(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = x[i] > 0 ? x[i] : 0;
    if (i == 0) y[-1] = 0;
  }
}
