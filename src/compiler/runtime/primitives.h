// What runtime/vector_math.h builds on, in C++ for a CPU.
typedef long int64_t;
typedef int int32_t;
typedef unsigned char uint8_t;
typedef unsigned int uint32_t;

namespace {

template <class To, class From>
inline To b_bits(From x) {
  return __builtin_bit_cast(To, x);
}

constexpr float b_inf = __builtin_inff();
constexpr float b_nan = __builtin_nanf("");

inline float b_sqrt(float x) {
  return __builtin_sqrtf(x);
}
inline float b_rsqrt(float x) {
  return 1.0f / __builtin_sqrtf(x);
}
inline float b_abs(float x) {
  return __builtin_fabsf(x);
}
inline int64_t b_abs(int64_t x) {
  return x < 0 ? -x : x;
}
inline float b_floor(float x) {
  return __builtin_floorf(x);
}
inline float b_ceil(float x) {
  return __builtin_ceilf(x);
}
inline float b_trunc(float x) {
  return __builtin_truncf(x);
}
inline float b_round(float x) {
  return __builtin_rintf(x);
}  // halves to even, as PyTorch
inline float b_fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}

inline float b_copysign(float size, float sign) {
  return __builtin_copysignf(size, sign);
}
inline float b_fmod(float a, float b) {
  return __builtin_fmodf(a, b);
}
inline float b_erfc(float x) {
  return __builtin_erfcf(x);
}

// The reduction is done in double: exact enough for every argument up to 2^30.
inline float b_sincos(float x, int quarter) {
  const double shifted = double(x) * 0.63661977236758134 + 6755399441055744.0;
  const double n = shifted - 6755399441055744.0;
  const int64_t q = b_bits<int64_t>(shifted) + quarter;
  const float r = float((double(x) - n * 1.5707963267948966) - n * 6.123233995736766e-17);
  const float s = r * r;
  float sine = -1.9515295891e-4f;
  sine = b_fma(sine, s, 8.3321608736e-3f);
  sine = b_fma(sine, s, -1.6666654611e-1f);
  sine = b_fma(sine * s, r, r);
  float cosine = 2.443315711809948e-5f;
  cosine = b_fma(cosine, s, -1.388731625493765e-3f);
  cosine = b_fma(cosine, s, 4.166664568298827e-2f);
  cosine = b_fma(cosine * s, s, b_fma(s, -0.5f, 1.0f));
  const float value = (q & 1) ? cosine : sine;
  return (q & 2) ? -value : value;
}
inline float b_sin(float x) {
  return b_sincos(x, 0);
}
inline float b_cos(float x) {
  return b_sincos(x, 1);
}
inline float b_pow(float x, float y) {
  return __builtin_powf(x, y);
}
inline float b_atan(float x) {
  return __builtin_atanf(x);
}
inline float b_atan2(float y, float x) {
  return __builtin_atan2f(y, x);
}

}  // namespace
