// A source without the kernel that the plan names.
#include <cmath>
#include <cstdint>
extern "C" void other(int64_t begin, int64_t end, const float* h, float* y) {}
