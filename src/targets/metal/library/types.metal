// Metal's types, on clang's vectors. Everything of the library is always inlined and without line numbers of its own,
// so that an instruction's line is the user's.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma clang diagnostic ignored "-Wreserved-identifier"
#define MTL_FN static inline __attribute__((always_inline, nodebug))
#define MTL_METHOD inline __attribute__((always_inline, nodebug))
#define MTL_EXPORT __attribute__((visibility("default")))
#define mtl_device __attribute__((opencl_global_device))
#define mtl_constant_space const __attribute__((opencl_global_host))

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef ulong size_t;
typedef long ptrdiff_t;
typedef ulong uintptr_t;
typedef long intptr_t;
typedef char int8_t;
typedef uchar uint8_t;
typedef short int16_t;
typedef ushort uint16_t;
typedef int int32_t;
typedef uint uint32_t;
typedef long int64_t;
typedef ulong uint64_t;
typedef __bf16 bfloat;
#define MTL_VECTORS(T)                                \
  typedef T T##2 __attribute__((ext_vector_type(2))); \
  typedef T T##3 __attribute__((ext_vector_type(3))); \
  typedef T T##4 __attribute__((ext_vector_type(4)));
MTL_VECTORS(char)
MTL_VECTORS(uchar) MTL_VECTORS(short) MTL_VECTORS(ushort) MTL_VECTORS(int) MTL_VECTORS(uint) MTL_VECTORS(long)
    MTL_VECTORS(ulong) MTL_VECTORS(half) MTL_VECTORS(bfloat) MTL_VECTORS(float)

        namespace metal {
  template <class T, int N>
  using vec = T __attribute__((ext_vector_type(N)));

  template <class T, T v>
  struct integral_constant {
    static constexpr const __global T value = v;
    typedef T value_type;
    typedef integral_constant type;
    constexpr operator T() const { return v; }
    constexpr T operator()() const { return v; }
  };
  template <bool b>
  using bool_constant = integral_constant<bool, b>;
  typedef bool_constant<true> true_type;
  typedef bool_constant<false> false_type;
  template <class T>
  struct type_identity {
    typedef T type;
  };
  template <class T>
  using type_identity_t = typename type_identity<T>::type;
  template <bool b, class T = void>
  struct enable_if {};
  template <class T>
  struct enable_if<true, T> {
    typedef T type;
  };
  template <bool b, class T = void>
  using enable_if_t = typename enable_if<b, T>::type;
  template <bool b, class T, class F>
  struct conditional {
    typedef T type;
  };
  template <class T, class F>
  struct conditional<false, T, F> {
    typedef F type;
  };
  template <bool b, class T, class F>
  using conditional_t = typename conditional<b, T, F>::type;
  template <class T>
  struct remove_const {
    typedef T type;
  };
  template <class T>
  struct remove_const<const T> {
    typedef T type;
  };
  template <class T>
  struct remove_volatile {
    typedef T type;
  };
  template <class T>
  struct remove_volatile<volatile T> {
    typedef T type;
  };
  template <class T>
  struct remove_address_space {
    typedef T type;
  };
#define MTL_WITHOUT_SPACE(space)               \
  template <class T>                           \
  struct remove_address_space<space T> {       \
    typedef T type;                            \
  };                                           \
  template <class T>                           \
  struct remove_address_space<const space T> { \
    typedef const T type;                      \
  };
  MTL_WITHOUT_SPACE(mtl_device)
  MTL_WITHOUT_SPACE(__local) MTL_WITHOUT_SPACE(__private) MTL_WITHOUT_SPACE(__global) MTL_WITHOUT_SPACE(__generic)
      MTL_WITHOUT_SPACE(__attribute__((opencl_global_host))) template <class T>
      struct remove_cv {
    typedef typename remove_volatile<typename remove_const<typename remove_address_space<T>::type>::type>::type type;
  };
  template <class T>
  struct remove_reference {
    typedef T type;
  };
  template <class T>
  struct remove_reference<T&> {
    typedef T type;
  };
  template <class T>
  struct remove_reference<T&&> {
    typedef T type;
  };
  template <class T>
  struct remove_pointer {
    typedef T type;
  };
  template <class T>
  struct remove_pointer<T*> {
    typedef T type;
  };
  template <class T>
  struct remove_extent {
    typedef T type;
  };
  template <class T>
  struct remove_extent<T[]> {
    typedef T type;
  };
  template <class T, size_t N>
  struct remove_extent<T[N]> {
    typedef T type;
  };
  template <class T>
  using remove_const_t = typename remove_const<T>::type;
  template <class T>
  using remove_volatile_t = typename remove_volatile<T>::type;
  template <class T>
  using remove_cv_t = typename remove_cv<T>::type;
  template <class T>
  using remove_reference_t = typename remove_reference<T>::type;
  template <class T>
  using remove_pointer_t = typename remove_pointer<T>::type;
  template <class T>
  using remove_extent_t = typename remove_extent<T>::type;
  template <class T>
  using decay_t = remove_cv_t<remove_reference_t<T>>;
  template <class T>
  struct decay {
    typedef decay_t<T> type;
  };
  template <class A, class B>
  struct is_same : false_type {};
  template <class A>
  struct is_same<A, A> : true_type {};
  template <class T>
  struct mtl_is_float
      : bool_constant<is_same<T, float>::value || is_same<T, half>::value || is_same<T, bfloat>::value> {};
  template <class T>
  struct mtl_is_integer : bool_constant<__is_integral(T)> {};
  template <class T>
  struct is_floating_point : mtl_is_float<remove_cv_t<T>> {};
  template <class T>
  struct is_integral : mtl_is_integer<remove_cv_t<T>> {};
  template <class T>
  struct is_arithmetic : bool_constant<is_floating_point<T>::value || is_integral<T>::value> {};
  template <class T>
  struct is_scalar : bool_constant<is_arithmetic<T>::value || __is_enum(T) || __is_pointer(T)> {};
  template <class T>
  struct is_signed : bool_constant<is_floating_point<T>::value || __is_signed(T)> {};
  template <class T>
  struct is_unsigned : bool_constant<__is_unsigned(T)> {};
  template <class T>
  struct is_pointer : bool_constant<__is_pointer(T)> {};
  template <class T>
  struct is_reference : bool_constant<__is_reference(T)> {};
  template <class T>
  struct is_enum : bool_constant<__is_enum(T)> {};
  template <class T>
  struct is_class : bool_constant<__is_class(T)> {};
  template <class T>
  struct is_void : is_same<remove_cv_t<T>, void> {};
  template <class T>
  struct is_const : bool_constant<__is_const(T)> {};
  template <class T>
  struct is_array : bool_constant<__is_array(T)> {};
  template <class T>
  struct is_trivially_copyable : bool_constant<__is_trivially_copyable(T)> {};
  template <class A, class B>
  struct is_convertible : bool_constant<__is_convertible(A, B)> {};
  template <class A, class B>
  struct is_base_of : bool_constant<__is_base_of(A, B)> {};
  template <class A, class B>
  constexpr const __global bool is_same_v = is_same<A, B>::value;
  template <class A, class B>
  constexpr const __global bool is_convertible_v = is_convertible<A, B>::value;
  template <class A, class B>
  constexpr const __global bool is_base_of_v = is_base_of<A, B>::value;
#define MTL_TRAIT_VALUE(name) \
  template <class T>          \
  constexpr const __global bool name##_v = name<T>::value;
  MTL_TRAIT_VALUE(is_floating_point)
  MTL_TRAIT_VALUE(is_integral) MTL_TRAIT_VALUE(is_arithmetic) MTL_TRAIT_VALUE(is_scalar) MTL_TRAIT_VALUE(is_signed)
      MTL_TRAIT_VALUE(is_unsigned) MTL_TRAIT_VALUE(is_pointer) MTL_TRAIT_VALUE(is_reference) MTL_TRAIT_VALUE(is_enum)
          MTL_TRAIT_VALUE(is_class) MTL_TRAIT_VALUE(is_void) MTL_TRAIT_VALUE(is_const) MTL_TRAIT_VALUE(is_array)
              MTL_TRAIT_VALUE(is_trivially_copyable) template <class T>
              struct make_unsigned {
    typedef __make_unsigned(T) type;
  };
  template <class T>
  struct make_signed {
    typedef __make_signed(T) type;
  };
  template <class T>
  using make_unsigned_t = typename make_unsigned<T>::type;
  template <class T>
  using make_signed_t = typename make_signed<T>::type;
  template <class...>
  using void_t = void;
  template <class T>
  T declval();
  template <class T>
  struct is_vector : false_type {};
  template <class T, int N>
  struct is_vector<vec<T, N>> : true_type {};
  template <class T>
  constexpr const __global bool is_vector_v = is_vector<T>::value;
  template <class T>
  struct mtl_vector {
    typedef T element;
    static constexpr const __global int size = 1;
  };
  template <class T, int N>
  struct mtl_vector<vec<T, N>> {
    typedef T element;
    static constexpr const __global int size = N;
  };
  template <class T>
  struct vec_element {
    typedef typename mtl_vector<T>::element type;
  };

  template <class T>
  struct numeric_limits;
#define MTL_LIMITS(T, low, high, is_int, sig)                                                         \
  template <>                                                                                         \
  struct numeric_limits<T> {                                                                          \
    static constexpr const __global bool is_specialized = true, is_integer = is_int, is_signed = sig, \
                                         is_exact = is_int;                                           \
    static constexpr const __global int digits = is_int ? int(sizeof(T) * 8 - sig)                    \
                                                        : (is_same<T, float>::value  ? 24             \
                                                           : is_same<T, half>::value ? 11             \
                                                                                     : 8);            \
    static constexpr T min() {                                                                        \
      return low;                                                                                     \
    }                                                                                                 \
    static constexpr T max() {                                                                        \
      return high;                                                                                    \
    }
#define MTL_INTEGER_LIMITS(T, low, high, sig)                                       \
  MTL_LIMITS(T, low, high, true, sig) static constexpr T lowest() {                 \
    return low;                                                                     \
  }                                                                                 \
  static constexpr T infinity() {                                                   \
    return 0;                                                                       \
  }                                                                                 \
  static constexpr T quiet_NaN() {                                                  \
    return 0;                                                                       \
  }                                                                                 \
  static constexpr T epsilon() {                                                    \
    return 0;                                                                       \
  }                                                                                 \
  static constexpr const __global bool has_infinity = false, has_quiet_NaN = false; \
  }                                                                                 \
  ;
  MTL_INTEGER_LIMITS(bool, false, true, false)
  MTL_INTEGER_LIMITS(char, -128, 127, true)
  MTL_INTEGER_LIMITS(uchar, 0, 255, false)
  MTL_INTEGER_LIMITS(short, -32768, 32767, true)
  MTL_INTEGER_LIMITS(ushort, 0, 65535, false)
  MTL_INTEGER_LIMITS(int, -__INT_MAX__ - 1, __INT_MAX__, true)
  MTL_INTEGER_LIMITS(uint, 0, 0xffffffffu, false)
  MTL_INTEGER_LIMITS(long, -__LONG_MAX__ - 1, __LONG_MAX__, true)
  MTL_INTEGER_LIMITS(ulong, 0, ~0ul, false)
#define MTL_FLOAT_LIMITS(T, low, high, eps, tiny)                                 \
  MTL_LIMITS(T, low, high, false, true) static constexpr T lowest() {             \
    return -max();                                                                \
  }                                                                               \
  static constexpr T infinity() {                                                 \
    return (T)__builtin_inff();                                                   \
  }                                                                               \
  static constexpr T quiet_NaN() {                                                \
    return (T)__builtin_nanf("");                                                 \
  }                                                                               \
  static constexpr T signaling_NaN() {                                            \
    return (T)__builtin_nanf("");                                                 \
  }                                                                               \
  static constexpr T epsilon() {                                                  \
    return eps;                                                                   \
  }                                                                               \
  static constexpr T denorm_min() {                                               \
    return tiny;                                                                  \
  }                                                                               \
  static constexpr const __global bool has_infinity = true, has_quiet_NaN = true; \
  }                                                                               \
  ;
  MTL_FLOAT_LIMITS(float, 1.17549435e-38f, 3.40282347e+38f, 1.1920929e-7f, 1.40129846e-45f)
  MTL_FLOAT_LIMITS(half, (half)6.103515625e-5f, (half)65504.0f, (half)9.765625e-4f, (half)5.9604645e-8f)
  MTL_FLOAT_LIMITS(bfloat, (bfloat)1.17549435e-38f, (bfloat)3.3895314e38f, (bfloat)7.8125e-3f, (bfloat)9.1835e-41f)

  template <class T, size_t N>
  struct array {
    T __elems[N];
    constexpr T operator[](size_t i) const { return __elems[i]; }
#define MTL_AT(space)                             \
  constexpr space T& operator[](size_t i) space { \
    return __elems[i];                            \
  }                                               \
  constexpr space T* data() space {               \
    return __elems;                               \
  }                                               \
  constexpr space T* begin() space {              \
    return __elems;                               \
  }                                               \
  constexpr space T* end() space {                \
    return __elems + N;                           \
  }
    MTL_AT(__private) MTL_AT(__local) MTL_AT(__global) constexpr size_t size() const { return N; }
  };
  template <class A, class B>
  struct pair {
    A first;
    B second;
  };
}  // namespace metal

// Vectors made as Metal makes them: of one scalar, of parts, of another vector of that size.
template <class T>
struct mtl_packed {
  static constexpr const __global bool value = false;
};
template <class E, class A>
constexpr MTL_FN auto mtl_part(A a) {
  if constexpr (metal::is_vector<A>::value)
    return __builtin_convertvector(a, metal::vec<E, metal::mtl_vector<A>::size>);
  else if constexpr (mtl_packed<A>::value)
    return mtl_part<E>((typename mtl_packed<A>::vector)a);
  else
    return (E)a;
}
template <class T, class... A>
constexpr MTL_FN T mtl_make(A... a) {
  if constexpr (metal::is_vector<T>::value) {
    typedef typename metal::mtl_vector<T>::element E;
    constexpr int wanted = metal::mtl_vector<T>::size, given = (0 + ... + metal::mtl_vector<A>::size);
    static_assert(sizeof...(A) <= 1 || given == wanted, "a vector is made of as many elements as it has");
    static_assert(sizeof...(A) != 1 || given == 1 || given == wanted,
                  "a vector is not made of a vector of another size");
    if constexpr (sizeof...(A) == 0)
      return (T)(E)0;
    else if constexpr (sizeof...(A) == 1 && given == 1)
      return (T)((E)a, ...);
    else
      return T{mtl_part<E>(a)...};
  } else {
    return T(a...);
  }
}
template <class V>
struct mtl_castor {
  template <class A>
  MTL_METHOD V operator->*(A a) const {
    return mtl_make<V>(a);
  }
};
template <class T>
MTL_FN mtl_constant_space T& mtl_constant(const __global T& x) {
  return (mtl_constant_space T&)x;
}
template <class To, class From>
constexpr MTL_FN To as_type(From x) {
  static_assert(sizeof(To) == sizeof(From), "as_type needs types of one size");
  return __builtin_bit_cast(To, x);
}
namespace metal {
using ::as_type;
}

// Masks: comparisons of clang's vectors give integers, Metal's give bools.
#define MTL_BOOLS(N, ...)                                           \
  struct bool##N {                                                  \
    bool __VA_ARGS__;                                               \
    bool##N() = default;                                            \
    template <class... A, class = metal::enable_if_t<sizeof...(A) == N>> \
    MTL_METHOD bool##N(A... a) {                                    \
      const bool all[] = {(bool)a...};                              \
      for (int i = 0; i < N; ++i) (&x)[i] = all[i];                 \
    }                                                               \
    MTL_METHOD bool##N(bool b) {                                    \
      for (int i = 0; i < N; ++i) (&x)[i] = b;                      \
    }                                                               \
    template <class T>                                              \
    MTL_METHOD bool##N(metal::vec<T, N> m) {                        \
      for (int i = 0; i < N; ++i) (&x)[i] = m[i] != 0;              \
    }                                                               \
    MTL_METHOD bool operator[](int i) const {                       \
      return (&x)[i];                                               \
    }                                                               \
    MTL_METHOD bool##N operator!() const {                          \
      bool##N r;                                                    \
      for (int i = 0; i < N; ++i) (&r.x)[i] = !(&x)[i];             \
      return r;                                                     \
    }                                                               \
    MTL_METHOD bool##N operator&&(bool##N o) const {                \
      bool##N r;                                                    \
      for (int i = 0; i < N; ++i) (&r.x)[i] = (&x)[i] && (&o.x)[i]; \
      return r;                                                     \
    }                                                               \
    MTL_METHOD bool##N operator||(bool##N o) const {                \
      bool##N r;                                                    \
      for (int i = 0; i < N; ++i) (&r.x)[i] = (&x)[i] || (&o.x)[i]; \
      return r;                                                     \
    }                                                               \
    MTL_METHOD bool##N operator&(bool##N o) const {                 \
      return *this && o;                                            \
    }                                                               \
    MTL_METHOD bool##N operator|(bool##N o) const {                 \
      return *this || o;                                            \
    }                                                               \
  };
MTL_BOOLS(2, x, y)
MTL_BOOLS(3, x, y, z)
MTL_BOOLS(4, x, y, z, w)

// Packed vectors: no padding, aligned as one element.
#define MTL_PACKED_PART(T, N, ...)                                            \
  struct packed_##T##N {                                                      \
    T __VA_ARGS__;                                                            \
    packed_##T##N() = default;                                                \
    MTL_METHOD packed_##T##N(T##N v) {                                        \
      for (int i = 0; i < N; ++i) (&x)[i] = v[i];                             \
    }                                                                         \
    MTL_METHOD explicit packed_##T##N(T s) {                                  \
      for (int i = 0; i < N; ++i) (&x)[i] = s;                                \
    }                                                                         \
    template <class... A, class = metal::enable_if_t<(sizeof...(A) > 1)>>     \
    MTL_METHOD packed_##T##N(A... a) : packed_##T##N(mtl_make<T##N>(a...)) {} \
    MTL_METHOD operator T##N() const {                                        \
      T##N r;                                                                 \
      for (int i = 0; i < N; ++i) r[i] = (&x)[i];                             \
      return r;                                                               \
    }                                                                         \
    MTL_METHOD T operator[](int i) const {                                    \
      return (&x)[i];                                                         \
    }                                                                         \
    MTL_METHOD mtl_device T& operator[](int i) mtl_method_device {            \
      return *((mtl_device T*)&x + i);                                        \
    }                                                                         \
    MTL_METHOD __local T& operator[](int i) __local {                         \
      return (&x)[i];                                                         \
    }                                                                         \
    MTL_METHOD __private T& operator[](int i) __private {                     \
      return (&x)[i];                                                         \
    }                                                                         \
  };                                                                          \
  template <>                                                                 \
  struct mtl_packed<packed_##T##N> {                                          \
    static constexpr const __global bool value = true;                        \
    typedef T##N vector;                                                      \
  };                                                                          \
  template <>                                                                 \
  struct metal::mtl_vector<packed_##T##N> {                                   \
    typedef T element;                                                        \
    static constexpr const __global int size = N;                             \
  };                                                                          \
  MTL_FN T##N operator+(packed_##T##N a, packed_##T##N b) {                   \
    return (T##N)a + (T##N)b;                                                 \
  }                                                                           \
  MTL_FN T##N operator-(packed_##T##N a, packed_##T##N b) {                   \
    return (T##N)a - (T##N)b;                                                 \
  }                                                                           \
  MTL_FN T##N operator*(packed_##T##N a, packed_##T##N b) {                   \
    return (T##N)a * (T##N)b;                                                 \
  }                                                                           \
  MTL_FN T##N operator*(packed_##T##N a, T b) {                               \
    return (T##N)a * b;                                                       \
  }                                                                           \
  MTL_FN T##N operator*(T b, packed_##T##N a) {                               \
    return (T##N)a * b;                                                       \
  }
#define mtl_method_device __global
#define MTL_PACKED(T) MTL_PACKED_PART(T, 2, x, y) MTL_PACKED_PART(T, 3, x, y, z) MTL_PACKED_PART(T, 4, x, y, z, w)
MTL_PACKED(float)
MTL_PACKED(half) MTL_PACKED(bfloat) MTL_PACKED(int) MTL_PACKED(uint) MTL_PACKED(short) MTL_PACKED(ushort)
    MTL_PACKED(char) MTL_PACKED(uchar) MTL_PACKED(long) MTL_PACKED(ulong) namespace metal {
#define MTL_IN_METAL(T)  \
  using ::T##2;          \
  using ::T##3;          \
  using ::T##4;          \
  using ::packed_##T##2; \
  using ::packed_##T##3; \
  using ::packed_##T##4;
  MTL_IN_METAL(float)
  MTL_IN_METAL(half) MTL_IN_METAL(bfloat) MTL_IN_METAL(int) MTL_IN_METAL(uint) MTL_IN_METAL(short) MTL_IN_METAL(ushort)
      MTL_IN_METAL(char) MTL_IN_METAL(uchar) MTL_IN_METAL(long) MTL_IN_METAL(ulong) using ::bool2;
  using ::bfloat;
  using ::bool3;
  using ::bool4;
  using ::int16_t;
  using ::int32_t;
  using ::int64_t;
  using ::int8_t;
  using ::uchar;
  using ::uint;
  using ::uint16_t;
  using ::uint32_t;
  using ::uint64_t;
  using ::uint8_t;
  using ::ulong;
  using ::ushort;
}

#define METAL_FUNC inline
#define INFINITY __builtin_inff()
#define HUGE_VALF __builtin_inff()
#define NAN __builtin_nanf("")
#define MAXFLOAT 3.40282347e+38f
#define FLT_MAX 3.40282347e+38f
#define FLT_MIN 1.17549435e-38f
#define FLT_EPSILON 1.1920929e-7f
#define MAXHALF ((half)65504.0f)
#define HALF_MAX ((half)65504.0f)
#define HALF_MIN ((half)6.103515625e-5f)
#define CHAR_BIT 8
#define CHAR_MAX 127
#define CHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define SHRT_MAX 32767
#define SHRT_MIN (-32768)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX 0x7fffffffffffffffl
#define LONG_MIN (-LONG_MAX - 1)
#define ULONG_MAX 0xfffffffffffffffful
#define M_E_F 2.71828182845904523536f
#define M_LOG2E_F 1.44269504088896340736f
#define M_LOG10E_F 0.434294481903251827651f
#define M_LN2_F 0.693147180559945309417f
#define M_LN10_F 2.30258509299404568402f
#define M_PI_F 3.14159265358979323846f
#define M_PI_2_F 1.57079632679489661923f
#define M_PI_4_F 0.785398163397448309616f
#define M_1_PI_F 0.318309886183790671538f
#define M_2_PI_F 0.636619772367581343076f
#define M_2_SQRTPI_F 1.12837916709551257390f
#define M_SQRT2_F 1.41421356237309504880f
#define M_SQRT1_2_F 0.707106781186547524401f
#define M_PI_H ((half)3.14159265f)
