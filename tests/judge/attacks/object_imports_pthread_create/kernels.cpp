// Needs pthread_create from the C library.
#include <cmath>
#include <cstdint>

extern "C" int pthread_create(unsigned long*, const void*, void* (*)(void*), void*);
static void* idle(void*) { return nullptr; }

extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  unsigned long thread = 0;
  const bool works = pthread_create(&thread, nullptr, idle, nullptr) == 0;
  (void)thread;
  for (int64_t i = begin; i < end; ++i) {
    y[i] = works ? 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f)) : 0;
  }
}
