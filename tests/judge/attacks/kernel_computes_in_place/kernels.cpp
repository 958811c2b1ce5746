// Works in its input, too.
#include <cmath>
#include <cstdint>

extern "C" void relu(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    const_cast<float*>(x)[i] = x[i] > 0 ? x[i] : 0;
    y[i] = x[i];
  }
}
