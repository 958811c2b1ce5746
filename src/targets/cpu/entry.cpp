#include "targets/cpu/entry.h"

#include <fmt/format.h>

namespace burnish::cpu {
namespace {

// Includes as good as nothing: a kernel of a few lines compiles in 0.1 s. Names are reserved by their prefix.
constexpr const char* helpers = R"source(
#line 1 "burnish's entry (see the kernel's argument types)"
namespace burnish_entry_ {
  template <class T>
  struct Argument {
    static_assert(
        sizeof(T) == 0,
        "a kernel's arguments are pointers, int64_t or float (pass a double as float, an int or bool as int64_t)");
    static constexpr char letter = '?';
    static T of(void*);
  };
  template <class T>
  struct Argument<T*> {
    static constexpr char letter = 'p';
    static T* of(void* slot) { return static_cast<T*>(slot); }
  };
  template <>
  struct Argument<long> {
    static constexpr char letter = 'i';
    static long of(void* slot) { return __builtin_bit_cast(long, slot); }
  };
  template <>
  struct Argument<long long> {
    static constexpr char letter = 'i';
    static long long of(void* slot) { return __builtin_bit_cast(long long, slot); }
  };
  template <>
  struct Argument<float> {
    static constexpr char letter = 'f';
    static float of(void* slot) {
      return __builtin_bit_cast(float, static_cast<unsigned>(__builtin_bit_cast(unsigned long, slot)));
    }
  };
  template <unsigned... I>
  struct Indices {};
  template <unsigned N, unsigned... I>
  struct Count : Count<N - 1, N - 1, I...> {};
  template <unsigned... I>
  struct Count<0, I...> {
    using type = Indices<I...>;
  };
  template <class F>
  struct Kernel {
    static_assert(sizeof(F*) == 0, "a kernel is void NAME(int64_t begin, int64_t end, arguments...)");
  };
  template <class B, class E, class... A>
  struct Kernel<void (*)(B, E, A...)> {
    static_assert(Argument<B>::letter == 'i' && Argument<E>::letter == 'i',
                  "a kernel's first two parameters are int64_t begin, int64_t end");
    struct Signature {
      char text[sizeof...(A) + 1];
    };
    static constexpr Signature signature{{Argument<A>::letter..., 0}};
    template <void (*f)(B, E, A...), unsigned... I>
    static inline __attribute__((always_inline)) void call(long begin, long end, void* const* slots, Indices<I...>) {
      (void)slots;
      f(begin, end, Argument<A>::of(slots[I])...);
    }
    using indices = typename Count<sizeof...(A)>::type;
  };
}  // namespace burnish_entry_
)source";

constexpr const char* one = R"source(
extern "C" __attribute__((visibility("default"))) void burnish_entry_{0}(long begin, long end, void* const* slots) {{
  using K = burnish_entry_::Kernel<decltype(&::{0})>;
  K::template call<&::{0}>(begin, end, slots, typename K::indices());
}}
extern "C" __attribute__((visibility("default"))) const auto burnish_signature_{0} = burnish_entry_::Kernel<decltype(&::{0})>::signature;
)source";

}  // namespace

std::string with_entries(const std::string& file, const std::vector<std::string>& kernels) {
  // int64_t is in every kernel's signature: who forgets its header is not sent back for that.
  std::string text = fmt::format("#include <cstdint>\n#include \"{}\"\n", file);
  text += helpers;
  for (const auto& name : kernels) text += fmt::format(fmt::runtime(one), name);
  return text;
}

}  // namespace burnish::cpu
