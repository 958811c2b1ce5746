// What runtime/vector_math.h builds on, in Metal. Fused multiply-adds and integers give the same bits on every device,
// so what the emulator has verified is what a GPU computes; only what calls precise:: here is the device's own.
#include <metal_stdlib>
using namespace metal;

template <class To, class From>
inline To b_bits(From x) {
  return as_type<To>(x);
}

constant float b_inf = INFINITY;
constant float b_nan = NAN;

inline float b_sqrt(float x) {
  return precise::sqrt(x);
}
inline float b_rsqrt(float x) {
  return 1.0f / precise::sqrt(x);
}
inline float b_abs(float x) {
  return fabs(x);
}
inline long b_abs(long x) {
  return x < 0 ? -x : x;
}
inline float b_floor(float x) {
  return floor(x);
}
inline float b_ceil(float x) {
  return ceil(x);
}
inline float b_trunc(float x) {
  return trunc(x);
}
inline float b_round(float x) {
  return rint(x);
}
inline float b_fma(float a, float b, float c) {
  return fma(a, b, c);
}
inline float b_copysign(float size, float sign) {
  return copysign(size, sign);
}
inline float b_fmod(float a, float b) {
  return precise::fmod(a, b);
}
inline float b_sin(float x) {
  return precise::sin(x);
}
inline float b_cos(float x) {
  return precise::cos(x);
}
inline float b_pow(float x, float y) {
  return precise::pow(x, y);
}
inline float b_atan(float x) {
  return precise::atan(x);
}
inline float b_atan2(float y, float x) {
  return precise::atan2(y, x);
}

