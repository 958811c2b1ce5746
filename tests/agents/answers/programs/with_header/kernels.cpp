#include <cstdint>
#include "sigmoid.h"
extern "C" void swish(int64_t begin, int64_t end, const float* x, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = x[i] * sigmoid(x[i]);
}
