// Maths for kernels, the same text in every language: plain inline functions of one element that a CPU's compiler
// vectorises. It includes nothing and stays light (a kernel compiles in a second); what a language says in its own
// words stands in its primitives file, before this text. Errors against correctly rounded results, measured by
// tests/compiler/test_vector_math.py: 1 to 2 ulp unless said.
namespace {

// NaN in either argument gives NaN, as PyTorch's maximum, amax, clamp and relu do.
template <class T>
inline T b_max(T a, T b) {
  return (a > b || a != a) ? a : b;
}
template <class T>
inline T b_min(T a, T b) {
  return (a < b || a != a) ? a : b;
}
inline float b_sign(float x) {
  return x > 0.0f ? 1.0f : (x < 0.0f ? -1.0f : 0.0f);
}
inline float b_relu(float x) {
  return x < 0.0f ? 0.0f : x;
}

// 2^n for n in [-252, 254], in two factors so that neither leaves the range of normal numbers.
inline float b_scale(float x, int n) {
  const int first = n >> 1;
  const float a = b_bits<float>(uint32_t(first + 127) << 23), b = b_bits<float>(uint32_t(n - first + 127) << 23);
  return x * a * b;
}

// Cody and Waite's reduction to [-ln2/2, ln2/2], then a minimax polynomial.
inline float b_exp(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  const float shifted = b_fma(x, 1.44269504f, 12582912.0f);
  const int n = b_bits<int>(shifted) - 0x4B400000;
  const float t = shifted - 12582912.0f;
  float r = b_fma(t, -6.93145752e-1f, x);
  r = b_fma(t, -1.42860677e-6f, r);
  float p = 1.37805939e-3f;
  p = b_fma(p, r, 8.37312452e-3f);
  p = b_fma(p, r, 4.16695364e-2f);
  p = b_fma(p, r, 1.66664720e-1f);
  p = b_fma(p, r, 4.99999851e-1f);
  p = b_fma(p, r, 1.0f);
  p = b_fma(p, r, 1.0f);
  return b_scale(p, n);
}

// e^x for x in [-86, 88] alone.
inline float b_exp_inside(float x) {
  const float shifted = b_fma(x, 1.44269504f, 12582912.0f);
  const float t = shifted - 12582912.0f;
  float r = b_fma(t, -6.93145752e-1f, x);
  r = b_fma(t, -1.42860677e-6f, r);
  float p = 1.37805939e-3f;
  p = b_fma(p, r, 8.37312452e-3f);
  p = b_fma(p, r, 4.16695364e-2f);
  p = b_fma(p, r, 1.66664720e-1f);
  p = b_fma(p, r, 4.99999851e-1f);
  p = b_fma(p, r, 1.0f);
  p = b_fma(p, r, 1.0f);
  return p * b_bits<float>((b_bits<uint32_t>(shifted) + 127u) << 23);
}

// The same, held at the ends outside: for formulas where e^-86 counts for nothing.
inline float b_exp_near(float x) {
  x = x > 88.0f ? 88.0f : x;
  return b_exp_inside(x < -86.0f ? -86.0f : x);
}

inline float b_expm1(float x) {
  const float shifted = b_fma(x, 1.44269504f, 12582912.0f);
  const float t = (x > -20.0f && x < 89.0f) ? shifted - 12582912.0f : 0.0f;
  const int n = (x > -20.0f && x < 89.0f) ? b_bits<int>(shifted) - 0x4B400000 : 0;
  float r = b_fma(t, -6.93145752e-1f, x);
  r = b_fma(t, -1.42860677e-6f, r);
  float p = 1.98423862e-4f;
  p = b_fma(p, r, 1.39303692e-3f);
  p = b_fma(p, r, 8.33333377e-3f);
  p = b_fma(p, r, 4.16666679e-2f);
  p = b_fma(p, r, 1.66666672e-1f);
  p = b_fma(p, r, 0.5f);
  const float em1 = b_fma(p * r, r, r);  // e^r - 1
  const float half_scale = b_scale(1.0f, n - 1);
  float result = 2.0f * (b_fma(half_scale, em1, half_scale) - 0.5f);
  result = n == 0 ? em1 : result;
  result = x >= 88.73f ? b_inf : result;
  return x <= -20.0f ? -1.0f : result;
}

// Cephes' logf: the mantissa in [sqrt(1/2), sqrt(2)), a polynomial, and ln2 in two parts.
inline float b_log(float x) {
  const bool tiny = x < 1.17549435e-38f;
  const float scaled = tiny ? x * 8388608.0f : x;
  const int bits = b_bits<int>(scaled);
  int e = ((bits - 0x3F3504F3) >> 23);
  const float m = b_bits<float>(int(uint32_t(bits) - (uint32_t(e) << 23)));
  e = tiny ? e - 23 : e;
  const float f = m - 1.0f, z = f * f, k = float(e);
  float p = 7.0376836292e-2f;
  p = b_fma(p, f, -1.1514610310e-1f);
  p = b_fma(p, f, 1.1676998740e-1f);
  p = b_fma(p, f, -1.2420140846e-1f);
  p = b_fma(p, f, 1.4249322787e-1f);
  p = b_fma(p, f, -1.6668057665e-1f);
  p = b_fma(p, f, 2.0000714765e-1f);
  p = b_fma(p, f, -2.4999993993e-1f);
  p = b_fma(p, f, 3.3333331174e-1f);
  float r = p * f * z;
  r = b_fma(k, -2.12194440e-4f, r);
  r = b_fma(z, -0.5f, r);
  r = b_fma(k, 0.693359375f, f + r);
  r = x == 0.0f ? -b_inf : r;
  r = x == b_inf ? b_inf : r;
  return (x < 0.0f || x != x) ? b_nan : r;
}
inline float b_log2(float x) {
  return b_log(x) * 1.44269504f;
}
inline float b_log10(float x) {
  return b_log(x) * 0.434294482f;
}
inline float b_log1p(float x) {
  const float u = 1.0f + x;
  const float correction = (x - (u - 1.0f)) / u;
  const float r = b_log(u) + correction;
  return (u == b_inf || u == 0.0f) ? b_log(u) : (u == 1.0f ? x : r);
}

inline float b_tanh(float x) {
  const float a = b_abs(x), s = x * x;
  float p = -5.70498872745e-3f;
  p = b_fma(p, s, 2.06390887954e-2f);
  p = b_fma(p, s, -5.37397155531e-2f);
  p = b_fma(p, s, 1.33314422036e-1f);
  p = b_fma(p, s, -3.33332819422e-1f);
  const float small = b_fma(p * s, x, x);
  const float large = 1.0f - 2.0f / (b_exp_near(2.0f * a) + 1.0f);
  return a < 0.625f ? small : b_copysign(large, x);
}
inline float b_sigmoid(float x) {
  return 1.0f / (1.0f + b_exp_near(-x));
}

// Two polynomials that meet at 475/512, each within one ulp.
inline float b_erf(float x) {
  const float t = b_abs(x), s = x * x;
  float r = b_fma(-1.72853470e-5f, t, 3.83197126e-4f);
  const float u = b_fma(-3.88396438e-3f, t, 2.42546219e-2f);
  r = b_fma(r, s, u);
  r = b_fma(r, t, -1.06777877e-1f);
  r = b_fma(r, t, -6.34846687e-1f);
  r = b_fma(r, t, -1.28717512e-1f);
  r = b_fma(r, t, -t);
  const float large = b_copysign(t > 4.0f ? 1.0f : 1.0f - b_exp_inside(r), x);
  float q = -5.96761703e-4f;
  q = b_fma(q, s, 4.99119423e-3f);
  q = b_fma(q, s, -2.67681349e-2f);
  q = b_fma(q, s, 1.12819925e-1f);
  q = b_fma(q, s, -3.76125336e-1f);
  q = b_fma(q, s, 1.28379166e-1f);
  const float small = b_fma(q, x, x);
  return t > 0.927734375f ? large : small;
}

inline float b_tan(float x) {
  return b_sin(x) / b_cos(x);
}

inline float b_gelu(float x) {
  return 0.5f * x * (1.0f + b_erf(x * 0.70710678f));
}
inline float b_gelu_tanh(float x) {
  return 0.5f * x * (1.0f + b_tanh(0.79788456f * b_fma(0.044715f * x * x, x, x)));
}
inline float b_silu(float x) {
  return x / (1.0f + b_exp_near(-x));
}
inline float b_softplus(float x, float beta, float threshold) {
  const float z = x * beta;
  return z > threshold ? x : b_log1p(b_exp_near(z)) / beta;
}
inline float b_logsigmoid(float x) {
  return (x < 0.0f ? x : 0.0f) - b_log1p(b_exp_near(-b_abs(x)));
}
// tanh(log(1 + e)) is (e^2 + 2 e) / (e^2 + 2 e + 2)
inline float b_mish(float x) {
  const float e = b_exp_near(x > 20.0f ? 20.0f : x), n = e * (e + 2.0f);
  return x > 20.0f ? x : x * (n / (n + 2.0f));
}
inline float b_remainder(float a, float b) {
  const float m = b_fmod(a, b);
  return (m != 0.0f && ((b < 0.0f) != (m < 0.0f))) ? m + b : m;
}
inline int64_t b_floor_div(int64_t a, int64_t b) {
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}
inline int64_t b_remainder(int64_t a, int64_t b) {
  return a - b_floor_div(a, b) * b;
}

}  // namespace
