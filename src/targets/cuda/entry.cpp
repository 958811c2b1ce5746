#include "targets/cuda/entry.h"

#include <fmt/format.h>

namespace burnish::cuda {
namespace {

constexpr const char* helpers = R"source(
#line 1 "burnish's signature (see the kernel's argument types)"
namespace burnish_entry_ {
  template <class T>
  struct Argument {
    static_assert(
        sizeof(T) == 0,
        "a kernel's arguments are pointers, int64_t or float (pass a double as float, an int or bool as int64_t)");
    static constexpr char letter = '?';
  };
  template <class T>
  struct Argument<T*> {
    static constexpr char letter = 'p';
  };
  template <>
  struct Argument<long> {
    static constexpr char letter = 'i';
  };
  template <>
  struct Argument<long long> {
    static constexpr char letter = 'i';
  };
  template <>
  struct Argument<float> {
    static constexpr char letter = 'f';
  };
  template <class F>
  struct Kernel {
    static_assert(sizeof(F*) == 0, "a kernel is extern \"C\" __global__ void NAME(arguments...)");
  };
  template <class... A>
  struct Kernel<void (*)(A...)> {
    struct Signature {
      char text[sizeof...(A) + 1];
    };
    static constexpr Signature signature{{Argument<A>::letter..., 0}};
  };
}  // namespace burnish_entry_
)source";

constexpr const char* one = R"source(
extern "C" __device__ const burnish_entry_::Kernel<decltype(&::{0})>::Signature burnish_signature_{0} =
    burnish_entry_::Kernel<decltype(&::{0})>::signature;
)source";

// The types and words of CUDA's own C++ library under NVRTC, which a kernel may include as well (cooperative_groups.h
// does): the same again is no redefinition.
constexpr const char* integers = R"source(#pragma once
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef int64_t intptr_t;
typedef uint64_t uintptr_t;
#define CHAR_BIT 8
#define SCHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 255
#define SHRT_MIN (-SHRT_MAX - 1)
#define SHRT_MAX 0x7fff
#define USHRT_MAX 0xffff
#define INT_MIN (-INT_MAX - 1)
#define INT_MAX 0x7fffffff
#define UINT_MAX 0xffffffff
#define LONG_MIN (-LONG_MAX - 1)
#define LONG_MAX LLONG_MAX
#define ULONG_MAX ULLONG_MAX
#define LLONG_MIN (-LLONG_MAX - 1)
#define LLONG_MAX 0x7fffffffffffffffLL
#define ULLONG_MAX 0xffffffffffffffffUL
#define INT8_MIN SCHAR_MIN
#define INT16_MIN SHRT_MIN
#define INT32_MIN INT_MIN
#define INT64_MIN LLONG_MIN
#define INT8_MAX SCHAR_MAX
#define INT16_MAX SHRT_MAX
#define INT32_MAX INT_MAX
#define INT64_MAX LLONG_MAX
#define UINT8_MAX UCHAR_MAX
#define UINT16_MAX USHRT_MAX
#define UINT32_MAX UINT_MAX
#define UINT64_MAX ULLONG_MAX
#define SIZE_MAX UINT64_MAX
namespace std {
using ::int16_t, ::int32_t, ::int64_t, ::int8_t, ::uint16_t, ::uint32_t, ::uint64_t, ::uint8_t;
using ::intptr_t, ::size_t, ::uintptr_t;
using ptrdiff_t = long;
}
using std::ptrdiff_t;
)source";

// Mathematics is built into NVRTC; what a host's <cmath> adds are names of values.
constexpr const char* mathematics = R"source(#pragma once
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif
#define M_PI 3.14159265358979323846
#define M_E 2.7182818284590452354
#define M_LN2 0.69314718055994530942
#define M_LOG2E 1.4426950408889634074
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#define M_2_SQRTPI 1.12837916709551257390
)source";

constexpr const char* decimals = R"source(#pragma once
#define FLT_MAX 3.402823466e+38f
#define FLT_MIN 1.175494351e-38f
#define FLT_EPSILON 1.192092896e-07f
#define DBL_MAX 1.7976931348623158e+308
#define DBL_MIN 2.2250738585072014e-308
#define DBL_EPSILON 2.2204460492503131e-16
)source";

}  // namespace

std::string with_signatures(const std::string& file, const std::vector<std::string>& kernels) {
  std::string text = fmt::format("#include \"{}\"\n", file);
  text += helpers;
  for (const auto& name : kernels) text += fmt::format(fmt::runtime(one), name);
  return text;
}

const std::vector<std::pair<std::string, std::string>>& standard_headers() {
  static const std::vector<std::pair<std::string, std::string>> headers = {
      {"cstdint", integers}, {"stdint.h", integers}, {"cstddef", integers},  {"stddef.h", integers},
      {"climits", integers}, {"limits.h", integers}, {"cmath", mathematics}, {"math.h", mathematics},
      {"cfloat", decimals},  {"float.h", decimals}};
  return headers;
}

}  // namespace burnish::cuda
