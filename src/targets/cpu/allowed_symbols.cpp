#include "targets/cpu/allowed_symbols.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <unordered_set>

namespace burnish::cpu {
namespace {

/// libm, without a type suffix: each exists as double, with f (float), with l (long double), and most as f32 to f64x.
const std::unordered_set<std::string_view> mathematics = {
    "acos",      "acosh",     "asin",   "asinh",      "atan",        "atan2",  "atanh",    "cbrt",      "ceil",
    "copysign",  "cos",       "cosh",   "erf",        "erfc",        "exp",    "exp10",    "exp2",      "expm1",
    "fabs",      "fdim",      "floor",  "fma",        "fmax",        "fmin",   "fmod",     "frexp",     "hypot",
    "ilogb",     "j0",        "j1",     "jn",         "ldexp",       "lgamma", "lgamma_r", "llrint",    "llround",
    "log",       "log10",     "log1p",  "log2",       "logb",        "lrint",  "lround",   "modf",      "nan",
    "nearbyint", "nextafter", "pow",    "remainder",  "remquo",      "rint",   "round",    "roundeven", "scalbln",
    "scalbn",    "sin",       "sincos", "sinh",       "sqrt",        "tan",    "tanh",     "tgamma",    "trunc",
    "y0",        "y1",        "yn",     "nexttoward", "significand", "drem",   "gamma",    "isnan",     "isinf",
    "finite",    "cabs",      "cexp",   "clog",       "cpow",        "csqrt",  "csin",     "ccos",      "ctan",
    "csinh",     "ccosh",     "ctanh",  "casin",      "cacos",       "catan",  "casinh",   "cacosh",    "catanh",
    "carg",      "cimag",     "creal",  "conj",       "cproj",       "ldexp"};

const std::unordered_set<std::string_view> others = {"memcpy",
                                                     "memmove",
                                                     "memset",
                                                     "memcmp",
                                                     "memchr",
                                                     "strlen",
                                                     "strcmp",
                                                     "strncmp",
                                                     "abs",
                                                     "labs",
                                                     "llabs",
                                                     "div",
                                                     "ldiv",
                                                     "lldiv",
                                                     "__memcpy_chk",
                                                     "__memset_chk",
                                                     "__memmove_chk",
                                                     "__stack_chk_fail",
                                                     "__tls_get_addr",
                                                     "__isnan",
                                                     "__isnanf",
                                                     "__isinf",
                                                     "__isinff",
                                                     "__finite",
                                                     "__finitef",
                                                     "__fpclassify",
                                                     "__fpclassifyf",
                                                     "__signbit",
                                                     "__signbitf",
                                                     "__muldc3",
                                                     "__mulsc3",
                                                     "__divdc3",
                                                     "__divsc3",
                                                     "__cxa_pure_virtual",
                                                     "__popcountdi2",
                                                     "feraiseexcept",
                                                     "signgam"};

bool is_mathematics(std::string_view name) {
  if (name.starts_with("__") && name.ends_with("_finite"))
    name = name.substr(2, name.size() - 9);  // old -ffast-math entries
  if (mathematics.contains(name)) return true;
  for (const std::string_view suffix : {"f", "l", "f32", "f64", "f128", "f32x", "f64x"})
    if (name.ends_with(suffix) && mathematics.contains(name.substr(0, name.size() - suffix.size()))) return true;
  return false;
}

std::string demangle(std::string_view name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : std::string(name);
}

}  // namespace

bool symbol_is_allowed(std::string_view name, bool sanitized) {
  if (name.starts_with("_ZGV"))
    return true;  // libmvec's vector variants; guard variables are always defined, never undefined
  if (others.contains(name) || is_mathematics(name)) return true;
  return sanitized && (name.starts_with("__asan_") || name.starts_with("__ubsan_") || name.starts_with("__sanitizer_"));
}

bool symbol_is_optional(std::string_view name) {
  return name == "__gmon_start__" || name == "_ITM_deregisterTMCloneTable" || name == "_ITM_registerTMCloneTable" ||
         name == "__cxa_finalize";
}

std::string readable_symbol(const std::string& name) {
  return demangle(name);
}

std::string advice_for_symbol(std::string_view name) {
  const auto text = demangle(name);
  const auto about = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (about("operator new") || about("operator delete") || name == "malloc" || name == "free" || name == "calloc" ||
      name == "realloc" || name == "aligned_alloc" || name == "posix_memalign" || about("std::vector"))
    return "kernels do not allocate: use arrays of a fixed size, or an `empty` step of the plan as scratch memory";
  if (about("std::__throw") || name.starts_with("__cxa_throw"))
    return "kernels do not throw: use operator[] for at(), and check sizes in the plan";
  if (name.starts_with("__cxa_guard") || name.starts_with("__cxa_atexit") || name.starts_with("__cxa_thread_atexit"))
    return "no static or thread_local objects that need code to start or end: make them constexpr, or local";
  if (name.starts_with("pthread") || name.starts_with("omp_") || name.starts_with("GOMP") || about("std::thread") ||
      about("std::mutex"))
    return "kernels make no threads: the runtime splits [begin, end) among PyTorch's own";
  if (name == "printf" || name == "puts" || name == "__printf_chk" || about("std::cout") || about("std::ostream"))
    return "kernels do not print";
  return "compute it with what <cmath> and <cstring> offer, or in a step of the plan";
}

}  // namespace burnish::cpu
