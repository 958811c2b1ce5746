// A source that is not C++.
#include <cmath>
#include <cstdint>
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) { return 1 }
