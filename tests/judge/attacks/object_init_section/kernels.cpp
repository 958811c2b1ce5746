// Machine code put into the section that runs first.
#include <cmath>
#include <cstdint>

asm(".pushsection .init,\"ax\"\n nop\n .popsection\n.pushsection .init_array,\"aw\"\n .quad early\n .popsection\n");
extern "C" void early() {}

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) {
    y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
  }
}
