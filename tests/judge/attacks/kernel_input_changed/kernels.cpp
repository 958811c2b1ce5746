// Writes one element of its input through a cast.
#include <cmath>
#include <cstdint>

extern "C" void relu(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = x[i] > 0 ? x[i] : 0;
    if (i == 77) const_cast<float*>(x)[i] = 0.25f;
  }
}
