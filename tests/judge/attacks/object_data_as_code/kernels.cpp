// System call bytes in a constant array in the text section.
#include <cmath>
#include <cstdint>

__attribute__((section(".text,\"ax\"#"))) static const unsigned char code[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  const long pid = reinterpret_cast<long (*)()>(reinterpret_cast<uintptr_t>(code))();
  for (int64_t i = begin; i < end; ++i) {
    y[i] = pid > 0 ? 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f)) : 0;
  }
}
