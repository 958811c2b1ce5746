// What runtime/vector_math.h builds on, in CUDA. The functions are CUDA's own, without fast mathematics: at most 2 ulp.
template <class To, class From>
inline To b_bits(From x) {
  return __builtin_bit_cast(To, x);
}

constexpr float b_inf = __builtin_bit_cast(float, 0x7f800000);
constexpr float b_nan = __builtin_bit_cast(float, 0x7fc00000);

inline float b_sqrt(float x) {
  return sqrtf(x);
}
inline float b_rsqrt(float x) {
  return rsqrtf(x);
}
inline float b_abs(float x) {
  return fabsf(x);
}
inline int64_t b_abs(int64_t x) {
  return x < 0 ? -x : x;
}
inline float b_floor(float x) {
  return floorf(x);
}
inline float b_ceil(float x) {
  return ceilf(x);
}
inline float b_trunc(float x) {
  return truncf(x);
}
inline float b_round(float x) {
  return rintf(x);
}  // halves to even, as PyTorch
inline float b_fma(float a, float b, float c) {
  return fmaf(a, b, c);
}
inline float b_copysign(float size, float sign) {
  return copysignf(size, sign);
}
inline float b_fmod(float a, float b) {
  return fmodf(a, b);
}
inline float b_erfc(float x) {
  return erfcf(x);
}
inline float b_sin(float x) {
  return sinf(x);
}
inline float b_cos(float x) {
  return cosf(x);
}
inline float b_pow(float x, float y) {
  return powf(x, y);
}
inline float b_atan(float x) {
  return atanf(x);
}
inline float b_atan2(float y, float x) {
  return atan2f(y, x);
}
