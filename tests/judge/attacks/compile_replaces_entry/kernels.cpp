// Defines the entry and the signature that the compile step adds.
#include <cmath>
#include <cstdint>
extern "C" void burnish_entry_gelu(int64_t, int64_t, void* const*) {}
extern "C" const char burnish_signature_gelu[] = "pp";
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
}
