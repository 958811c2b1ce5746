// Threads that meet: barriers, simdgroups, quadgroups, atomics, matrices of a simdgroup. What starts with mtl_ and has
// no body is the engine's (engine/hooks.cpp).
struct mtl_lanes {  // of a simdgroup at one operation; mirrored by engine/group.h
  uint active;      // bit i: lane i takes part
  uint computed;    // result holds what the first lane to get here computed
  uint lane;        // of the thread that asks
  uint unused;
  char result[64];
  char slots[32][64];
};
extern "C" {
__private mtl_lanes* mtl_exchange(const __private void* value, uint bytes,
                                  uint who);  // who must come: 0 any, 1 all, 2 a full 32
void mtl_barrier(uint memory);
void mtl_inactive(uint lane);
void mtl_multiplied(void);
uint mtl_stopped();
void mtl_loop_enter(uint id);
void mtl_loop_round(void);
void mtl_loop_leave(void);
__local void* mtl_static_memory(uint id, uint bytes);
ulong mtl_constant_value(uint index);
bool mtl_constant_given(uint index);
extern volatile __global int mtl_stop;
}
constexpr MTL_FN bool mtl_tick() {
  return __builtin_is_constant_evaluated() || !__builtin_expect(mtl_stop, 0) || mtl_stopped();
}
struct mtl_loop {
  bool first;
  MTL_METHOD mtl_loop(uint id) : first(true) { mtl_loop_enter(id); }
  MTL_METHOD ~mtl_loop() { mtl_loop_leave(); }
  MTL_METHOD bool once() {
    bool f = first;
    first = false;
    return f;
  }
  MTL_METHOD bool tick() {
    mtl_loop_round();
    return mtl_tick();
  }
};
template <class T, uint id>
MTL_FN __local T& mtl_static() {
  return *(__local T*)mtl_static_memory(id, sizeof(T));
}
template <class T, uint index>
MTL_FN T mtl_function_constant() {
  ulong v = mtl_constant_value(index);
  return *(__private T*)&v;
}
MTL_FN bool mtl_constant_defined(uint index) {
  return mtl_constant_given(index);
}

namespace metal {
enum class mem_flags : uint {
  mem_none = 0,
  mem_device = 1,
  mem_threadgroup = 2,
  mem_texture = 4,
  mem_threadgroup_imageblock = 8
};
MTL_FN constexpr mem_flags operator|(mem_flags a, mem_flags b) {
  return (mem_flags)((uint)a | (uint)b);
}
enum memory_order {
  memory_order_relaxed = 0,
  memory_order_acquire = 2,
  memory_order_release = 3,
  memory_order_acq_rel = 4,
  memory_order_seq_cst = 5
};
enum thread_scope { thread_scope_thread, thread_scope_simdgroup, thread_scope_threadgroup, thread_scope_device };
MTL_FN void threadgroup_barrier(mem_flags f, thread_scope = thread_scope_threadgroup) {
  mtl_barrier((uint)f);
}
MTL_FN void simdgroup_barrier(mem_flags f, thread_scope = thread_scope_simdgroup) {
  mtl_exchange(0, (uint)f, 1);
}
MTL_FN void atomic_thread_fence(mem_flags, memory_order, thread_scope = thread_scope_device) {}

template <class T>
MTL_FN T mtl_slot(__private mtl_lanes* l, uint lane) {
  return *(__private T*)l->slots[lane];
}
template <class T>
MTL_FN __private mtl_lanes* mtl_meet(T x) {
  static_assert(sizeof(T) <= 64, "simdgroup operations take at most 64 bytes");
  return mtl_exchange(&x, sizeof(T), 0);
}
/// A thread that takes no part is read: what a Mac gives is undefined.
template <class T>
MTL_FN T mtl_from(__private mtl_lanes* l, uint lane) {
  if (lane > 31 || !(l->active >> lane & 1)) {
    mtl_inactive(lane);
    T r;
    __builtin_memset(&r, 0xff, sizeof(T));
    return r;
  }
  return mtl_slot<T>(l, lane);
}
// The order of sums is a tree over halves; Apple's is not documented: last bits may differ.
template <uint width, class T, class F>
MTL_FN T mtl_reduce(T x, F f) {
  __private mtl_lanes* l = mtl_meet(x);
  if (width == 32 && l->computed) return *(__private T*)l->result;
  const uint first = l->lane & ~(width - 1);
  T v[width];
  uint here = width == 32 ? l->active : (l->active >> first) & ((1u << (width & 31)) - 1);
  for (uint i = 0; i < width; ++i) v[i] = mtl_slot<T>(l, first + i);
  for (uint s = width / 2; s > 0; s /= 2)
    for (uint i = 0; i < s; ++i) {
      const bool a = here >> i & 1, b = here >> (i + s) & 1;
      if (a && b)
        v[i] = f(v[i], v[i + s]);
      else if (b)
        v[i] = v[i + s], here |= 1u << i;
    }
  if (width == 32) {
    *(__private T*)l->result = v[0];
    l->computed = 1;
  }
  return v[0];
}
template <bool inclusive, uint width, class T, class F>
MTL_FN T mtl_scan(T x, T identity, F f) {
  __private mtl_lanes* l = mtl_meet(x);
  const uint first = l->lane & ~(width - 1);
  T r = identity;
  for (uint i = first; i < l->lane + inclusive; ++i)
    if (l->active >> i & 1) r = f(r, mtl_slot<T>(l, i));
  return r;
}
#define MTL_OPERATION(name, ...)              \
  struct name {                               \
    template <class T>                        \
    MTL_METHOD T operator()(T a, T b) const { \
      return (T)(__VA_ARGS__);                \
    }                                         \
  };
MTL_OPERATION(mtl_plus, a + b)
MTL_OPERATION(mtl_times, a* b) MTL_OPERATION(mtl_larger, max(a, b)) MTL_OPERATION(mtl_smaller, min(a, b))
    MTL_OPERATION(mtl_and, a& b) MTL_OPERATION(mtl_or, a | b) MTL_OPERATION(mtl_xor, a ^ b)
#define MTL_REDUCTIONS(group, width)                                                        \
  template <class T>                                                                        \
  MTL_FN T group##_sum(T x) {                                                               \
    return mtl_reduce<width>(x, mtl_plus());                                                \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_product(T x) {                                                           \
    return mtl_reduce<width>(x, mtl_times());                                               \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_max(T x) {                                                               \
    return mtl_reduce<width>(x, mtl_larger());                                              \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_min(T x) {                                                               \
    return mtl_reduce<width>(x, mtl_smaller());                                             \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_and(T x) {                                                               \
    return mtl_reduce<width>(x, mtl_and());                                                 \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_or(T x) {                                                                \
    return mtl_reduce<width>(x, mtl_or());                                                  \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_xor(T x) {                                                               \
    return mtl_reduce<width>(x, mtl_xor());                                                 \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_prefix_inclusive_sum(T x) {                                              \
    return mtl_scan<true, width>(x, (T)0, mtl_plus());                                      \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_prefix_exclusive_sum(T x) {                                              \
    return mtl_scan<false, width>(x, (T)0, mtl_plus());                                     \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_prefix_inclusive_product(T x) {                                          \
    return mtl_scan<true, width>(x, (T)1, mtl_times());                                     \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_prefix_exclusive_product(T x) {                                          \
    return mtl_scan<false, width>(x, (T)1, mtl_times());                                    \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle(T x, ushort lane) {                                              \
    auto l = mtl_meet(x);                                                                   \
    return mtl_from<T>(l, lane >= width ? 99u : (l->lane & ~(width - 1u)) + lane);          \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_broadcast(T x, ushort lane) {                                            \
    return group##_shuffle(x, lane);                                                        \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle_xor(T x, ushort mask) {                                          \
    auto l = mtl_meet(x);                                                                   \
    return mtl_from<T>(l, l->lane ^ mask);                                                  \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle_down(T x, ushort delta) {                                        \
    auto l = mtl_meet(x);                                                                   \
    return (l->lane & (width - 1u)) + delta >= width ? x : mtl_from<T>(l, l->lane + delta); \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle_up(T x, ushort delta) {                                          \
    auto l = mtl_meet(x);                                                                   \
    return (l->lane & (width - 1u)) < delta ? x : mtl_from<T>(l, l->lane - delta);          \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle_rotate_down(T x, ushort delta) {                                 \
    auto l = mtl_meet(x);                                                                   \
    return mtl_from<T>(l, (l->lane & ~(width - 1u)) + ((l->lane + delta) & (width - 1u)));  \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_shuffle_rotate_up(T x, ushort delta) {                                   \
    auto l = mtl_meet(x);                                                                   \
    return mtl_from<T>(l, (l->lane & ~(width - 1u)) + ((l->lane - delta) & (width - 1u)));  \
  }                                                                                         \
  template <class T>                                                                        \
  MTL_FN T group##_broadcast_first(T x) {                                                   \
    auto l = mtl_meet(x);                                                                   \
    uint first = l->lane & ~(width - 1u);                                                   \
    return mtl_slot<T>(l, __builtin_ctz(l->active >> first << first));                      \
  }                                                                                         \
  MTL_FN bool group##_is_first() {                                                          \
    auto l = mtl_meet(0);                                                                   \
    uint first = l->lane & ~(width - 1u);                                                   \
    return (uint)__builtin_ctz(l->active >> first << first) == l->lane;                     \
  }                                                                                         \
  MTL_FN bool group##_all(bool b) {                                                         \
    return mtl_reduce<width>((int)b, mtl_and());                                            \
  }                                                                                         \
  MTL_FN bool group##_any(bool b) {                                                         \
    return mtl_reduce<width>((int)b, mtl_or());                                             \
  }
        MTL_REDUCTIONS(simd, 32) MTL_REDUCTIONS(quad, 4) template <class T>
        MTL_FN T simd_shuffle_and_fill_down(T x, T fill, ushort delta) {
  auto l = mtl_meet(x);
  const uint lane = l->lane;
  const T shifted = lane + delta > 31 ? x : mtl_from<T>(l, lane + delta);
  auto m = mtl_meet(fill);
  return lane + delta > 31 ? mtl_from<T>(m, (lane + delta) & 31u) : shifted;
}
template <class T>
MTL_FN T simd_shuffle_and_fill_up(T x, T fill, ushort delta) {
  auto l = mtl_meet(x);
  const uint lane = l->lane;
  const T shifted = lane < delta ? x : mtl_from<T>(l, lane - delta);
  auto m = mtl_meet(fill);
  return lane < delta ? mtl_from<T>(m, 32 - delta + lane) : shifted;
}
struct simd_vote {
  typedef ulong vote_t;
  ulong bits;
  MTL_METHOD explicit simd_vote(ulong b = 0) : bits(b) {}
  MTL_METHOD operator ulong() const { return bits; }
  MTL_METHOD bool all() const { return (bits & 0xffffffffu) == 0xffffffffu; }
  MTL_METHOD bool any() const { return bits != 0; }
};
MTL_FN simd_vote simd_ballot(bool b) {
  auto l = mtl_meet((int)b);
  ulong bits = 0;
  for (uint i = 0; i < 32; ++i)
    if ((l->active >> i & 1) && mtl_slot<int>(l, i)) bits |= 1ul << i;
  return simd_vote(bits);
}
MTL_FN simd_vote simd_active_threads_mask() {
  return simd_vote(mtl_meet(0)->active);
}

template <class T>
struct atomic {
  T value;
};
}  // namespace metal
typedef metal::atomic<int> mtl_atomic_int;
typedef metal::atomic<uint> mtl_atomic_uint;
typedef metal::atomic<long> mtl_atomic_long;
typedef metal::atomic<ulong> mtl_atomic_ulong;
typedef metal::atomic<float> mtl_atomic_float;
typedef metal::atomic<bool> mtl_atomic_bool;
namespace metal {
using ::mtl_atomic_bool;
using ::mtl_atomic_float;
using ::mtl_atomic_int;
using ::mtl_atomic_long;
using ::mtl_atomic_uint;
using ::mtl_atomic_ulong;
template <class T>
MTL_FN volatile __generic T* mtl_place(const volatile __generic atomic<T>* p) {
  return (volatile __generic T*)&p->value;
}
template <class T>
MTL_FN T atomic_load_explicit(const volatile __generic atomic<T>* p, memory_order) {
  T r;
  __atomic_load(mtl_place(p), &r, __ATOMIC_RELAXED);
  return r;
}
template <class T>
MTL_FN void atomic_store_explicit(volatile __generic atomic<T>* p, type_identity_t<T> v, memory_order) {
  __atomic_store(mtl_place(p), &v, __ATOMIC_RELAXED);
}
template <class T>
MTL_FN T atomic_exchange_explicit(volatile __generic atomic<T>* p, type_identity_t<T> v, memory_order) {
  T r;
  __atomic_exchange(mtl_place(p), &v, &r, __ATOMIC_RELAXED);
  return r;
}
template <class T>
MTL_FN bool atomic_compare_exchange_weak_explicit(volatile __generic atomic<T>* p, __private T* expected,
                                                  type_identity_t<T> v, memory_order, memory_order) {
  return __atomic_compare_exchange(mtl_place(p), expected, &v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
template <class T, class F>
MTL_FN T mtl_atomically(volatile __generic atomic<T>* p, F f) {
  T old = atomic_load_explicit(p, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(p, &old, f(old), memory_order_relaxed, memory_order_relaxed)) {
  }
  return old;
}
template <class T, class F>
struct mtl_with {
  T v;
  F f;
  MTL_METHOD T operator()(T old) const { return f(old, v); }
};
#define MTL_ATOMIC(name, operation)                                                                              \
  template <class T>                                                                                             \
  MTL_FN T atomic_fetch_##name##_explicit(volatile __generic atomic<T>* p, type_identity_t<T> v, memory_order) { \
    return mtl_atomically(p, mtl_with<T, operation>{v, operation()});                                            \
  }
MTL_OPERATION(mtl_minus, a - b)
MTL_ATOMIC(add, mtl_plus)
MTL_ATOMIC(sub, mtl_minus) MTL_ATOMIC(max, mtl_larger) MTL_ATOMIC(min, mtl_smaller) MTL_ATOMIC(and, mtl_and)
    MTL_ATOMIC(or, mtl_or) MTL_ATOMIC(xor, mtl_xor) template <class T>
    MTL_FN void atomic_max_explicit(volatile mtl_device atomic<T>* p, type_identity_t<T> v, memory_order o) {
  atomic_fetch_max_explicit(p, v, o);
}
template <class T>
MTL_FN void atomic_min_explicit(volatile mtl_device atomic<T>* p, type_identity_t<T> v, memory_order o) {
  atomic_fetch_min_explicit(p, v, o);
}

// 8 x 8 matrices: each lane holds two neighbours of a row.
template <class T, int R, int C>
struct simdgroup_matrix {
  static_assert(R == 8 && C == 8, "simdgroup matrices are 8 x 8");
  vec<T, 2> e;
  simdgroup_matrix() = default;
  MTL_METHOD explicit simdgroup_matrix(T diagonal);
  MTL_METHOD __private vec<T, 2>& thread_elements() __private { return e; }
  MTL_METHOD vec<T, 2> thread_elements() const __private { return e; }
  typedef vec<T, 2> storage_type;
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;
MTL_FN uint mtl_row(uint lane) {
  return ((lane >> 2) & 4) + ((lane >> 1) & 3);
}
MTL_FN uint mtl_column(uint lane) {
  return ((lane >> 2) & 2) * 2 + (lane & 1) * 2;
}
MTL_FN uint mtl_owner(uint row, uint column) {
  return (row >> 2) << 4 | (column >> 2) << 3 | (row & 3) << 1 | (column >> 1 & 1);
}
MTL_FN uint mtl_whole_simdgroup() {
  return mtl_exchange(0, 0, 2)->lane;
}
template <class T, int R, int C>
MTL_METHOD simdgroup_matrix<T, R, C>::simdgroup_matrix(T d) {
  const uint lane = mtl_whole_simdgroup(), r = mtl_row(lane), c = mtl_column(lane);
  e[0] = r == c ? d : (T)0;
  e[1] = r == c + 1 ? d : (T)0;
}
template <class T, int R, int C>
MTL_FN simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T v) {
  simdgroup_matrix<T, R, C> m;
  m.e = v;
  return m;
}
template <class T, int R, int C>
MTL_FN simdgroup_matrix<T, R, C> make_diagonal_simdgroup_matrix(T v) {
  return simdgroup_matrix<T, R, C>(v);
}
#define MTL_MATRIX_MEMORY(space)                                                                                    \
  template <class T>                                                                                                \
  MTL_FN void simdgroup_load(__private simdgroup_matrix<T, 8, 8>& m, const space T* p, ulong stride = 8,            \
                             ulong2 origin = (ulong2)0, bool transpose = false) {                                   \
    const uint lane = mtl_whole_simdgroup();                                                                        \
    for (uint i = 0; i < 2; ++i) {                                                                                  \
      ulong r = mtl_row(lane), c = mtl_column(lane) + i;                                                            \
      m.e[i] = transpose ? p[(c + origin.y) * stride + r + origin.x] : p[(r + origin.y) * stride + c + origin.x];   \
    }                                                                                                               \
  }                                                                                                                 \
  template <class T>                                                                                                \
  MTL_FN void simdgroup_store(simdgroup_matrix<T, 8, 8> m, space T* p, ulong stride = 8, ulong2 origin = (ulong2)0, \
                              bool transpose = false) {                                                             \
    const uint lane = mtl_whole_simdgroup();                                                                        \
    for (uint i = 0; i < 2; ++i) {                                                                                  \
      ulong r = mtl_row(lane), c = mtl_column(lane) + i;                                                            \
      if (transpose)                                                                                                \
        p[(c + origin.y) * stride + r + origin.x] = m.e[i];                                                         \
      else                                                                                                          \
        p[(r + origin.y) * stride + c + origin.x] = m.e[i];                                                         \
    }                                                                                                               \
  }
MTL_MATRIX_MEMORY(mtl_device)
MTL_MATRIX_MEMORY(__local) template <class A, class B>
struct mtl_operands {
  vec<A, 2> a;
  vec<B, 2> b;
};
template <class D, class A, class B, class S>
MTL_FN void simdgroup_multiply_accumulate(__private simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8> a,
                                          simdgroup_matrix<B, 8, 8> b, simdgroup_matrix<S, 8, 8> c) {
  mtl_operands<A, B> mine{a.e, b.e};
  __private mtl_lanes* l = mtl_exchange(&mine, sizeof(mine), 2);
  const uint r = mtl_row(l->lane), col = mtl_column(l->lane);
  if (l->lane == 0) mtl_multiplied();
  float x = c.e[0], y = c.e[1];
  for (uint k = 0; k < 8; ++k) {
    const float left = ((__private mtl_operands<A, B>*)l->slots[mtl_owner(r, k)])->a[k & 1];
    const vec<B, 2> right = ((__private mtl_operands<A, B>*)l->slots[mtl_owner(k, col)])->b;
    x = __builtin_fmaf(left, (float)right[0], x);
    y = __builtin_fmaf(left, (float)right[1], y);
  }
  d.e[0] = (D)x;
  d.e[1] = (D)y;
}
template <class D, class A, class B>
MTL_FN void simdgroup_multiply(__private simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8> a,
                               simdgroup_matrix<B, 8, 8> b) {
  simdgroup_multiply_accumulate(d, a, b, make_filled_simdgroup_matrix<float, 8, 8>(0.0f));
}
}  // namespace metal

// How the engine calls a kernel.
struct mtl_thread {  // mirrored by engine/group.h
  uint thread_position_in_grid[3], thread_position_in_threadgroup[3], threadgroup_position_in_grid[3],
      threads_per_grid[3], threads_per_threadgroup[3], threadgroups_per_grid[3], dispatch_threads_per_threadgroup[3];
  uint thread_index_in_threadgroup, thread_index_in_simdgroup, simdgroup_index_in_threadgroup,
      simdgroups_per_threadgroup, threads_per_simdgroup, dispatch_simdgroups_per_threadgroup, thread_index_in_quadgroup,
      quadgroup_index_in_threadgroup, quadgroups_per_threadgroup, dispatch_quadgroups_per_threadgroup,
      thread_execution_width;
  const __private ulong* buffers;
  const __private ulong* dynamic;
};
template <class F>
struct mtl_signature;
template <class... A>
struct mtl_signature<void(A...)> {
  template <int i>
  using arg = __type_pack_element<i, A...>;
};
template <class P>
MTL_FN P mtl_pointer(ulong address) {
  if constexpr (__is_reference(P))
    return *(metal::remove_reference_t<P>*)address;
  else
    return (P)address;
}
template <class P>
MTL_FN P mtl_buffer(const __private mtl_thread* t, uint i) {
  return mtl_pointer<P>(t->buffers[i]);
}
template <class P>
MTL_FN P mtl_dynamic(const __private mtl_thread* t, uint i) {
  return mtl_pointer<P>(t->dynamic[i]);
}
template <class T>
MTL_FN T mtl_position(uint x) {
  return (T)x;
}
template <class T>
MTL_FN T mtl_position(const __private uint (&p)[3]) {
  if constexpr (metal::is_vector<T>::value) {
    T r;
    for (int i = 0; i < metal::mtl_vector<T>::size; ++i) r[i] = (typename metal::mtl_vector<T>::element)p[i];
    return r;
  } else {
    return (T)p[0];
  }
}
template <class P>
constexpr uint mtl_size() {
  if constexpr (__is_reference(P))
    return sizeof(metal::remove_reference_t<P>);
  else
    return 0;
}
/// What a plan gives: a pointer, an int64, a float; else nothing that it could give.
template <class P>
constexpr uint mtl_letter() {
  if constexpr (__is_reference(P)) {
    using T = metal::remove_cv_t<metal::remove_reference_t<P>>;
    if constexpr (__is_integral(T) && sizeof(T) >= 4) return 'i';
    else if constexpr (__is_same(T, float)) return 'f';
    else if constexpr (metal::is_arithmetic<T>::value) return '?';
    else return 'p';
  } else {
    return 'p';
  }
}
template <class P>
constexpr uint mtl_alignment() {
  if constexpr (__is_reference(P))
    return alignof(metal::remove_reference_t<P>);
  else if constexpr (__is_pointer(P) && !__is_same(metal::remove_cv_t<metal::remove_pointer_t<P>>, void))
    return alignof(metal::remove_pointer_t<P>);
  else
    return 1;
}
