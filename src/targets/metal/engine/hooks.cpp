#include <fmt/format.h>

#include <atomic>
#include <cstring>

#include "targets/metal/engine/launch.h"
#include "targets/metal/engine/shadow.h"

// What compiled kernels call (library/threads.metal); resolved when their object is loaded.
#define MTL_HOOK extern "C" __attribute__((visibility("default")))

using namespace burnish::metal;

namespace {

std::uintptr_t caller(void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - 1;  // inside the call, not behind it
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) volatile int mtl_stop = 0;
}

MTL_HOOK Lanes* mtl_exchange(const void* value, std::uint32_t bytes, std::uint32_t who) {
  return Group::current()->exchange(value, bytes, static_cast<MustCome>(who), __builtin_frame_address(0));
}

MTL_HOOK void mtl_barrier(std::uint32_t memory) {
  Group::current()->barrier(memory, __builtin_frame_address(0));
}

MTL_HOOK void mtl_multiplied() {
  if (auto* products = Group::current()->launch().request.products) ++std::atomic_ref(*products);
}

MTL_HOOK void mtl_inactive(std::uint32_t lane) {
  auto& group = *Group::current();
  if (!group.launch().kernel.checked) return;  // the value is 0xff bytes then
  group.abort(group.finding(
      "inactive-lane",
      lane > 31 ? std::string("a lane is read that no simdgroup has")
                : fmt::format("the value of lane {} is read, which takes no part in this operation", lane),
      caller(__builtin_return_address(0))));
}

MTL_HOOK std::uint32_t mtl_stopped() {
  auto& group = *Group::current();
  group.abort(group.finding("endless-loop",
                            fmt::format("the kernel did not end within {:g} s", group.launch().request.timeout_s),
                            caller(__builtin_return_address(0))));
}

MTL_HOOK void mtl_loop_enter(std::uint32_t id) {
  auto& group = *Group::current();
  auto& where = group.running().where;
  if (where.loop_count == Instance::most_loops)
    group.abort(
        group.finding("unsupported", "loops with barriers or simdgroup operations are nested more than 12 deep"));
  where.rounds[where.loop_count++] = {id, 0};
}

MTL_HOOK void mtl_loop_round() {
  auto& where = Group::current()->running().where;
  if (where.loop_count > 0) ++where.rounds[where.loop_count - 1].count;
}

MTL_HOOK void mtl_loop_leave() {
  auto& where = Group::current()->running().where;
  if (where.loop_count > 0) --where.loop_count;
}

MTL_HOOK void* mtl_static_memory(std::uint32_t id, std::uint32_t bytes) {
  return Group::current()->shared_memory(id, bytes, caller(__builtin_return_address(0)));
}

MTL_HOOK bool mtl_constant_given(std::uint32_t index) {
  const auto& constants = Group::current()->launch().request.constants;
  return index < constants.size() && constants[index];
}

MTL_HOOK std::uint64_t mtl_constant_value(std::uint32_t index) {
  auto& group = *Group::current();
  if (!mtl_constant_given(index))
    group.abort(group.finding("function-constant", fmt::format("function constant {} has no value", index)));
  return *group.launch().request.constants[index];
}

// Checked objects (macros here, because clang fixes the names by size): clang's instrumentation for its thread
// sanitizer, answered by our shadow memory.
namespace {

void access(const void* address, std::size_t bytes, Access kind, void* from) {
  auto* group = Group::current();
  if (!group || !group->launch().shadow || !group->in_thread) return;
  group->launch().shadow->check(*group, reinterpret_cast<std::uintptr_t>(address), bytes, kind, caller(from));
}

}  // namespace

#define MTL_ACCESS(n)                                                              \
  MTL_HOOK void __tsan_read##n(void* p) {                                          \
    access(p, n, {}, __builtin_return_address(0));                                 \
  }                                                                                \
  MTL_HOOK void __tsan_write##n(void* p) {                                         \
    access(p, n, {.write = true}, __builtin_return_address(0));                    \
  }                                                                                \
  MTL_HOOK void __tsan_read_write##n(void* p) {                                    \
    access(p, n, {}, __builtin_return_address(0));                                 \
    access(p, n, {.write = true}, __builtin_return_address(0));                    \
  }                                                                                \
  MTL_HOOK void __tsan_volatile_read##n(void* p) {                                 \
    access(p, n, {}, __builtin_return_address(0));                                 \
  }                                                                                \
  MTL_HOOK void __tsan_volatile_write##n(void* p) {                                \
    access(p, n, {.write = true}, __builtin_return_address(0));                    \
  }                                                                                \
  MTL_HOOK void __tsan_unaligned_read##n(void* p) {                                \
    access(p, n, {.unaligned = true}, __builtin_return_address(0));                \
  }                                                                                \
  MTL_HOOK void __tsan_unaligned_write##n(void* p) {                               \
    access(p, n, {.write = true, .unaligned = true}, __builtin_return_address(0)); \
  }                                                                                \
  MTL_HOOK void __tsan_unaligned_read_write##n(void* p) {                          \
    access(p, n, {.unaligned = true}, __builtin_return_address(0));                \
    access(p, n, {.write = true, .unaligned = true}, __builtin_return_address(0)); \
  }
MTL_ACCESS(1)
MTL_ACCESS(2)
MTL_ACCESS(4)
MTL_ACCESS(8)
MTL_ACCESS(16)

MTL_HOOK void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  access(from, bytes, {.unaligned = true}, __builtin_return_address(0));
  access(to, bytes, {.write = true, .unaligned = true}, __builtin_return_address(0));
  return std::memcpy(to, from, bytes);
}
MTL_HOOK void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  access(from, bytes, {.unaligned = true}, __builtin_return_address(0));
  access(to, bytes, {.write = true, .unaligned = true}, __builtin_return_address(0));
  return std::memmove(to, from, bytes);
}
MTL_HOOK void* __tsan_memset(void* to, int value, std::size_t bytes) {
  access(to, bytes, {.write = true, .unaligned = true}, __builtin_return_address(0));
  return std::memset(to, value, bytes);
}
MTL_HOOK void __tsan_func_entry(void*) {}
MTL_HOOK void __tsan_func_exit() {}
MTL_HOOK void __tsan_init() {}
MTL_HOOK void __tsan_atomic_thread_fence(int) {}
MTL_HOOK void __tsan_atomic_signal_fence(int) {}

#define MTL_ATOMIC(bits, type)                                                                                \
  MTL_HOOK type __tsan_atomic##bits##_load(const volatile type* p, int) {                                     \
    access(const_cast<const type*>(p), sizeof(type), {.atomic = true}, __builtin_return_address(0));          \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                              \
  }                                                                                                           \
  MTL_HOOK void __tsan_atomic##bits##_store(volatile type* p, type v, int) {                                  \
    access(const_cast<type*>(p), sizeof(type), {.write = true, .atomic = true}, __builtin_return_address(0)); \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                                 \
  }                                                                                                           \
  MTL_HOOK type __tsan_atomic##bits##_exchange(volatile type* p, type v, int) {                               \
    access(const_cast<type*>(p), sizeof(type), {.write = true, .atomic = true, .reads = true},                \
           __builtin_return_address(0));                                                                      \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                           \
  MTL_HOOK int __tsan_atomic##bits##_compare_exchange_strong(volatile type* p, type* e, type v, int, int) {   \
    access(const_cast<type*>(p), sizeof(type), {.write = true, .atomic = true, .reads = true},                \
           __builtin_return_address(0));                                                                      \
    return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
  }                                                                                                           \
  MTL_HOOK int __tsan_atomic##bits##_compare_exchange_weak(volatile type* p, type* e, type v, int, int) {     \
    access(const_cast<type*>(p), sizeof(type), {.write = true, .atomic = true, .reads = true},                \
           __builtin_return_address(0));                                                                      \
    return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
  }                                                                                                           \
  MTL_HOOK type __tsan_atomic##bits##_compare_exchange_val(volatile type* p, type e, type v, int, int) {      \
    access(const_cast<type*>(p), sizeof(type), {.write = true, .atomic = true, .reads = true},                \
           __builtin_return_address(0));                                                                      \
    __atomic_compare_exchange_n(p, &e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                         \
    return e;                                                                                                 \
  }
MTL_ATOMIC(8, std::uint8_t)
MTL_ATOMIC(16, std::uint16_t)
MTL_ATOMIC(32, std::uint32_t)
MTL_ATOMIC(64, std::uint64_t)

// -fsanitize=array-bounds: the index of an array of known size; the place is in the data that clang hands over.
MTL_HOOK void __ubsan_handle_out_of_bounds(void* data, void* index) {
  struct Place {
    const char* file;
    std::uint32_t line, column;
  };
  auto& group = *Group::current();
  auto f = group.finding("out-of-bounds",
                         fmt::format("index {} is outside the array", reinterpret_cast<std::intptr_t>(index)),
                         caller(__builtin_return_address(0)));
  f.line = static_cast<int>(static_cast<const Place*>(data)->line);
  group.abort(std::move(f));
}
MTL_HOOK void __ubsan_handle_out_of_bounds_abort(void* data, void* index) {
  __ubsan_handle_out_of_bounds(data, index);
}
