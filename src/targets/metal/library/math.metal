// Metal's mathematics: float by the C library, half and bfloat computed in float and rounded, vectors element by
// element. Overloads are plain functions for each scalar type, so that max(float, int) is ambiguous as on a Mac.
namespace metal {
// bfloat's functions are templates, as Apple's seem to be: sources that bring their own for bfloat then prefer theirs.
#define MTL_BFLOAT template <class B, enable_if_t<is_same<B, bfloat>::value, int> = 0>
#define MTL_PLAIN
#define MTL_UNARY(name, ...)                       \
  MTL_FN float name(float x) {                     \
    return __VA_ARGS__;                            \
  }                                                \
  MTL_FN half name(half h) {                       \
    float x = h;                                   \
    return (half)(__VA_ARGS__);                    \
  }                                                \
  MTL_BFLOAT MTL_FN B name(B h) { \
    float x = h; \
    return (B)(__VA_ARGS__); \
  }                                                \
  template <class T, int N>                        \
  MTL_FN vec<T, N> name(vec<T, N> v) {             \
    vec<T, N> r;                                   \
    for (int i = 0; i < N; ++i) r[i] = name(v[i]); \
    return r;                                      \
  }
MTL_UNARY(acos, __builtin_acosf(x))
MTL_UNARY(acosh, __builtin_acoshf(x)) MTL_UNARY(asin, __builtin_asinf(x)) MTL_UNARY(asinh, __builtin_asinhf(x))
    MTL_UNARY(atan, __builtin_atanf(x)) MTL_UNARY(atanh, __builtin_atanhf(x)) MTL_UNARY(ceil, __builtin_ceilf(x))
        MTL_UNARY(cos, __builtin_cosf(x)) MTL_UNARY(cosh, __builtin_coshf(x)) MTL_UNARY(exp, __builtin_expf(x))
            MTL_UNARY(exp2, __builtin_exp2f(x)) MTL_UNARY(exp10, __builtin_powf(10.0f, x)) MTL_UNARY(
                fabs, __builtin_fabsf(x)) MTL_UNARY(floor, __builtin_floorf(x)) MTL_UNARY(log, __builtin_logf(x))
                MTL_UNARY(log2, __builtin_log2f(x)) MTL_UNARY(log10, __builtin_log10f(x)) MTL_UNARY(rint,
                                                                                                    __builtin_rintf(x))
                    MTL_UNARY(round, __builtin_roundf(x)) MTL_UNARY(rsqrt, 1.0f / __builtin_sqrtf(x))
                        MTL_UNARY(sin, __builtin_sinf(x)) MTL_UNARY(sinh, __builtin_sinhf(x))
                            MTL_UNARY(sqrt, __builtin_sqrtf(x)) MTL_UNARY(tan, __builtin_tanf(x))
                                MTL_UNARY(tanh, __builtin_tanhf(x)) MTL_UNARY(trunc, __builtin_truncf(x))
                                    MTL_UNARY(fract, __builtin_fminf(x - __builtin_floorf(x), 0x1.fffffep-1f))
                                        MTL_UNARY(saturate, __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f)) MTL_UNARY(
                                            sign, x > 0 ? 1.0f
                                                  : x < 0
                                                      ? -1.0f
                                                  : x == 0 ? x
                                                           : 0.0f)
                                            MTL_UNARY(sinpi, __builtin_sinf(M_PI_F* __builtin_fmodf(x, 2.0f)))
                                                MTL_UNARY(cospi, __builtin_cosf(M_PI_F* __builtin_fmodf(x, 2.0f)))
                                                    MTL_UNARY(tanpi, __builtin_tanf(M_PI_F* __builtin_fmodf(x, 1.0f)))
#define MTL_SCALAR_OR_VECTOR(name)                           \
  template <class T, int N>                                  \
  MTL_FN vec<T, N> name(vec<T, N> a, vec<T, N> b) {          \
    vec<T, N> r;                                             \
    for (int i = 0; i < N; ++i) r[i] = name(a[i], b[i]);     \
    return r;                                                \
  }                                                          \
  template <class T, int N>                                  \
  MTL_FN vec<T, N> name(vec<T, N> a, type_identity_t<T> b) { \
    return name(a, (vec<T, N>)b);                            \
  }                                                          \
  template <class T, int N>                                  \
  MTL_FN vec<T, N> name(type_identity_t<T> a, vec<T, N> b) { \
    return name((vec<T, N>)a, b);                            \
  }
#define MTL_BINARY(name, ...)              \
  MTL_FN float name(float x, float y) {    \
    return __VA_ARGS__;                    \
  }                                        \
  MTL_FN half name(half h, half g) {       \
    float x = h, y = g;                    \
    return (half)(__VA_ARGS__);            \
  }                                        \
  MTL_BFLOAT MTL_FN B name(B h, B g) { \
    float x = h, y = g; \
    return (B)(__VA_ARGS__); \
  }                                        \
  MTL_SCALAR_OR_VECTOR(name)
                                                        MTL_BINARY(atan2, __builtin_atan2f(x, y))
                                                            MTL_BINARY(copysign, __builtin_copysignf(x, y))
                                                                MTL_BINARY(fdim, __builtin_fdimf(x, y))
                                                                    MTL_BINARY(fmax, __builtin_fmaxf(x, y))
                                                                        MTL_BINARY(fmin, __builtin_fminf(x, y))
                                                                            MTL_BINARY(fmod, __builtin_fmodf(x, y))
                                                                                MTL_BINARY(pow, __builtin_powf(x, y))
                                                                                    MTL_BINARY(powr,
                                                                                               __builtin_powf(x, y))
                                                                                        MTL_BINARY(step,
                                                                                                   y < x ? 0.0f : 1.0f)
                                                                                            MTL_BINARY(divide,
                                                                                                       x / y) MTL_FN
    float nextafter(float x, float y) {
  return __builtin_nextafterf(x, y);
}

#define MTL_INTEGERS(M) M(char) M(uchar) M(short) M(ushort) M(int) M(uint) M(long) M(ulong)
#define MTL_MAX_MIN(T)                           \
  MTL_FN constexpr T max(T a, T b) {             \
    return a < b ? b : a;                        \
  }                                              \
  MTL_FN constexpr T min(T a, T b) {             \
    return b < a ? b : a;                        \
  }                                              \
  MTL_FN constexpr T clamp(T x, T low, T high) { \
    return x < low ? low : x > high ? high : x;  \
  }
MTL_INTEGERS(MTL_MAX_MIN)
// Where one is NaN, the other comes back, as with fmax.
#define MTL_FLOAT_MAX_MIN(kind, T)                                 \
  kind MTL_FN T max(T a, T b) {                                   \
    return (T)__builtin_fmaxf((float)a, (float)b);           \
  }                                                          \
  kind MTL_FN T min(T a, T b) {                                   \
    return (T)__builtin_fminf((float)a, (float)b);           \
  }                                                          \
  kind MTL_FN T clamp(T x, T low, T high) {                       \
    return min(max(x, low), high);                           \
  }                                                          \
  kind MTL_FN T abs(T x) {                                        \
    return (T)__builtin_fabsf((float)x);                     \
  }                                                          \
  kind MTL_FN T fma(T a, T b, T c) {                              \
    return (T)__builtin_fmaf((float)a, (float)b, (float)c);  \
  }                                                          \
  kind MTL_FN T mad(T a, T b, T c) {                              \
    return fma(a, b, c);                                     \
  }                                                          \
  kind MTL_FN T mix(T a, T b, T t) {                              \
    return (T)((float)a + ((float)b - (float)a) * (float)t); \
  }                                                          \
  kind MTL_FN T smoothstep(T low, T high, T x) {                  \
    T t = clamp((T)((x - low) / (high - low)), (T)0, (T)1);  \
    return t * t * ((T)3 - (T)2 * t);                        \
  }                                                          \
  kind MTL_FN T fmax3(T a, T b, T c) {                            \
    return max(a, max(b, c));                                \
  }                                                          \
  kind MTL_FN T fmin3(T a, T b, T c) {                            \
    return min(a, min(b, c));                                \
  }                                                          \
  kind MTL_FN T fmedian3(T a, T b, T c) {                         \
    return max(min(a, b), min(max(a, b), c));                \
  }                                                          \
  kind MTL_FN T ldexp(T x, int e) {                               \
    return (T)__builtin_ldexpf((float)x, e);                 \
  }                                                          \
  kind MTL_FN bool isnan(T x) {                                   \
    return x != x;                                           \
  }                                                          \
  kind MTL_FN bool isinf(T x) {                                   \
    return __builtin_fabsf((float)x) == __builtin_inff();    \
  }                                                          \
  kind MTL_FN bool isfinite(T x) {                                \
    return __builtin_fabsf((float)x) < __builtin_inff();     \
  }                                                          \
  kind MTL_FN bool isordered(T x, T y) {                          \
    return x == x && y == y;                                 \
  }                                                          \
  kind MTL_FN bool isunordered(T x, T y) {                        \
    return x != x || y != y;                                 \
  }                                                          \
  kind MTL_FN bool signbit(T x) {                                 \
    return __builtin_signbitf((float)x);                     \
  }                                                          \
  kind MTL_FN T sincos(T x, __private T& c) {                     \
    c = cos(x);                                              \
    return sin(x);                                           \
  }                                                          \
  kind MTL_FN T modf(T x, __private T& whole) {                   \
    whole = trunc(x);                                        \
    return copysign(isinf(x) ? (T)0 : (T)(x - whole), x);    \
  }                                                          \
  kind MTL_FN T frexp(T x, __private int& e) {                    \
    int k;                                                   \
    float m = __builtin_frexpf((float)x, &k);                \
    e = k;                                                   \
    return (T)m;                                             \
  }                                                          \
  kind MTL_FN int ilogb(T x) {                                    \
    return __builtin_ilogbf((float)x);                       \
  }
MTL_FLOAT_MAX_MIN(MTL_PLAIN, float) MTL_FLOAT_MAX_MIN(MTL_PLAIN, half) MTL_FLOAT_MAX_MIN(MTL_BFLOAT, B)
MTL_FN bool isnormal(float x) {
  return __builtin_isnormal(x);
}
MTL_SCALAR_OR_VECTOR(max)
MTL_SCALAR_OR_VECTOR(min)
#define MTL_TERNARY(name)                                        \
  template <class T, int N>                                      \
  MTL_FN vec<T, N> name(vec<T, N> a, vec<T, N> b, vec<T, N> c) { \
    vec<T, N> r;                                                 \
    for (int i = 0; i < N; ++i) r[i] = name(a[i], b[i], c[i]);   \
    return r;                                                    \
  }
    MTL_TERNARY(clamp) MTL_TERNARY(fma) MTL_TERNARY(mad) MTL_TERNARY(mix)
        MTL_TERNARY(smoothstep) template <class T, int N>
        MTL_FN vec<T, N> clamp(vec<T, N> x, type_identity_t<T> low, type_identity_t<T> high) {
  return clamp(x, (vec<T, N>)low, (vec<T, N>)high);
}
template <class T, int N>
MTL_FN vec<T, N> mix(vec<T, N> a, vec<T, N> b, type_identity_t<T> t) {
  return mix(a, b, (vec<T, N>)t);
}
template <class T, int N>
MTL_FN vec<T, N> smoothstep(type_identity_t<T> a, type_identity_t<T> b, vec<T, N> x) {
  return smoothstep((vec<T, N>)a, (vec<T, N>)b, x);
}
#define MTL_TESTS(name)                                     \
  template <class T, int N>                                 \
  MTL_FN auto name(vec<T, N> v) {                           \
    vec<int, N> r;                                          \
    for (int i = 0; i < N; ++i) r[i] = name(v[i]) ? -1 : 0; \
    return r;                                               \
  }
MTL_TESTS(isnan)
MTL_TESTS(isinf) MTL_TESTS(isfinite) template <class T>
MTL_FN T max3(T a, T b, T c) {
  return max(a, max(b, c));
}
template <class T>
MTL_FN T min3(T a, T b, T c) {
  return min(a, min(b, c));
}
template <class T>
MTL_FN T median3(T a, T b, T c) {
  return max(min(a, b), min(max(a, b), c));
}

#define MTL_INTEGER_FUNCTIONS(T)                                                                                    \
  MTL_FN T abs(T x) {                                                                                               \
    return x < (T)0 ? (T)(-x) : x;                                                                                  \
  }                                                                                                                 \
  MTL_FN make_unsigned_t<T> absdiff(T a, T b) {                                                                     \
    return a < b ? (make_unsigned_t<T>)b - (make_unsigned_t<T>)a : (make_unsigned_t<T>)a - (make_unsigned_t<T>)b;   \
  }                                                                                                                 \
  MTL_FN T addsat(T a, T b) {                                                                                       \
    T r;                                                                                                            \
    return __builtin_add_overflow(a, b, &r) ? (b < (T)0 ? numeric_limits<T>::min() : numeric_limits<T>::max()) : r; \
  }                                                                                                                 \
  MTL_FN T subsat(T a, T b) {                                                                                       \
    T r;                                                                                                            \
    return __builtin_sub_overflow(a, b, &r) ? (b < (T)0 ? numeric_limits<T>::max() : numeric_limits<T>::min()) : r; \
  }                                                                                                                 \
  MTL_FN T popcount(T x) {                                                                                          \
    return (T)__builtin_popcountl((ulong)(make_unsigned_t<T>)x);                                                    \
  }                                                                                                                 \
  MTL_FN T clz(T x) {                                                                                               \
    return x == 0 ? (T)(sizeof(T) * 8)                                                                              \
                  : (T)(__builtin_clzl((ulong)(make_unsigned_t<T>)x) - (64 - (int)sizeof(T) * 8));                  \
  }                                                                                                                 \
  MTL_FN T ctz(T x) {                                                                                               \
    return x == 0 ? (T)(sizeof(T) * 8) : (T)__builtin_ctzl((ulong)(make_unsigned_t<T>)x);                           \
  }                                                                                                                 \
  MTL_FN T reverse_bits(T x) {                                                                                      \
    return (T)(__builtin_bitreverse64((ulong)(make_unsigned_t<T>)x) >> (64 - sizeof(T) * 8));                       \
  }                                                                                                                 \
  MTL_FN T rotate(T x, T n) {                                                                                       \
    constexpr uint w = sizeof(T) * 8;                                                                               \
    uint s = (uint)n % w;                                                                                           \
    make_unsigned_t<T> u = x;                                                                                       \
    return s ? (T)((u << s) | (u >> (w - s))) : x;                                                                  \
  }                                                                                                                 \
  MTL_FN T hadd(T a, T b) {                                                                                         \
    return (T)((a & b) + ((a ^ b) >> 1));                                                                           \
  }                                                                                                                 \
  MTL_FN T rhadd(T a, T b) {                                                                                        \
    return (T)((a | b) - ((a ^ b) >> 1));                                                                           \
  }                                                                                                                 \
  MTL_FN T mulhi(T a, T b) {                                                                                        \
    return (T)(((__int128)a * (__int128)b) >> (sizeof(T) * 8));                                                     \
  }                                                                                                                 \
  MTL_FN T madhi(T a, T b, T c) {                                                                                   \
    return mulhi(a, b) + c;                                                                                         \
  }                                                                                                                 \
  MTL_FN T extract_bits(T x, uint offset, uint bits) {                                                              \
    if (bits == 0) return 0;                                                                                        \
    constexpr uint w = sizeof(T) * 8;                                                                               \
    return (T)((T)(x << (w - bits - offset)) >> (w - bits));                                                        \
  }                                                                                                                 \
  MTL_FN T insert_bits(T base, T x, uint offset, uint bits) {                                                       \
    ulong m = (bits >= 64 ? ~0ul : ((1ul << bits) - 1)) << offset;                                                  \
    return (T)(((ulong)base & ~m) | (((ulong)x << offset) & m));                                                    \
  }
MTL_INTEGERS(MTL_INTEGER_FUNCTIONS)
MTL_FN int mul24(int a, int b) {
  return a * b;
}
MTL_FN uint mul24(uint a, uint b) {
  return a * b;
}
MTL_FN int mad24(int a, int b, int c) {
  return a * b + c;
}
MTL_FN uint mad24(uint a, uint b, uint c) {
  return a * b + c;
}
#define MTL_ELEMENTWISE(name)                      \
  template <class T, int N>                        \
  MTL_FN vec<T, N> name(vec<T, N> v) {             \
    vec<T, N> r;                                   \
    for (int i = 0; i < N; ++i) r[i] = name(v[i]); \
    return r;                                      \
  }
MTL_ELEMENTWISE(abs)
MTL_ELEMENTWISE(popcount) MTL_ELEMENTWISE(clz) MTL_ELEMENTWISE(ctz) MTL_ELEMENTWISE(reverse_bits)

    template <class T, int N>
    MTL_FN bool all(vec<T, N> m) {
  for (int i = 0; i < N; ++i)
    if (!m[i]) return false;
  return true;
}
template <class T, int N>
MTL_FN bool any(vec<T, N> m) {
  for (int i = 0; i < N; ++i)
    if (m[i]) return true;
  return false;
}
#define MTL_BOOL_TESTS(N)                                        \
  MTL_FN bool all(bool##N m) {                                   \
    for (int i = 0; i < N; ++i)                                  \
      if (!m[i]) return false;                                   \
    return true;                                                 \
  }                                                              \
  MTL_FN bool any(bool##N m) {                                   \
    for (int i = 0; i < N; ++i)                                  \
      if (m[i]) return true;                                     \
    return false;                                                \
  }                                                              \
  template <class T>                                             \
  MTL_FN vec<T, N> select(vec<T, N> a, vec<T, N> b, bool##N c) { \
    for (int i = 0; i < N; ++i)                                  \
      if (c[i]) a[i] = b[i];                                     \
    return a;                                                    \
  }
MTL_BOOL_TESTS(2) MTL_BOOL_TESTS(3) MTL_BOOL_TESTS(4) MTL_FN bool all(bool b) {
  return b;
}
MTL_FN bool any(bool b) {
  return b;
}
template <class T>
MTL_FN enable_if_t<is_arithmetic<T>::value, T> select(T a, T b, bool c) {
  return c ? b : a;
}
template <class T, class M, int N>
MTL_FN vec<T, N> select(vec<T, N> a, vec<T, N> b, vec<M, N> c) {
  for (int i = 0; i < N; ++i)
    if (c[i]) a[i] = b[i];
  return a;
}

template <class T, int N>
MTL_FN T dot(vec<T, N> a, vec<T, N> b) {
  T s = a[0] * b[0];
  for (int i = 1; i < N; ++i) s = (T)(s + a[i] * b[i]);
  return s;
}
template <class T>
MTL_FN vec<T, 3> cross(vec<T, 3> a, vec<T, 3> b) {
  return a.yzx * b.zxy - a.zxy * b.yzx;
}
template <class T, int N>
MTL_FN T length_squared(vec<T, N> v) {
  return dot(v, v);
}
template <class T, int N>
MTL_FN T length(vec<T, N> v) {
  return sqrt(dot(v, v));
}
template <class T, int N>
MTL_FN T distance(vec<T, N> a, vec<T, N> b) {
  return length(a - b);
}
template <class T, int N>
MTL_FN T distance_squared(vec<T, N> a, vec<T, N> b) {
  return length_squared(a - b);
}
template <class T, int N>
MTL_FN vec<T, N> normalize(vec<T, N> v) {
  return v * rsqrt(dot(v, v));
}
namespace fast {
using namespace metal;
}
namespace precise {
using namespace metal;
}
}  // namespace metal
