#pragma once
#include <cmath>
inline float sigmoid(float v) {
  return 1.0f / (1.0f + std::exp(-v));
}
