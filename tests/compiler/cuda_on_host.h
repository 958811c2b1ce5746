// CUDA kernels on a CPU, for the tests: the threads of a block are fibers that take turns at every barrier and shuffle,
// one block after the other. A barrier that not all reach alike, or a shuffle from a thread that has ended, aborts.
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#define __global__
#define __shared__ static
#define __launch_bounds__(...)

struct Index {
  unsigned x = 0, y = 0, z = 0;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct b_half {
  _Float16 of;
  b_half() = default;
  b_half(float x) : of(static_cast<_Float16>(x)) {}
  operator float() const { return static_cast<float>(of); }
};
struct b_bfloat {
  uint16_t bits;
  b_bfloat() = default;
  b_bfloat(float x) {
    uint32_t all;
    std::memcpy(&all, &x, 4);
    bits = std::isnan(x) ? 0x7fc0 : static_cast<uint16_t>((all + 0x7fff + ((all >> 16) & 1)) >> 16);
  }
  operator float() const {
    const uint32_t all = uint32_t{bits} << 16;
    float x;
    std::memcpy(&x, &all, 4);
    return x;
  }
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}
inline float rsqrtf(float x) {
  return 1.0f / std::sqrt(x);
}

static Index blockIdx, threadIdx;

namespace emulated {

struct Fiber {
  std::unique_ptr<char[]> stack;
  jmp_buf at;
  bool started = false, live = false;
  int waits_for = 0;  // 1: a barrier, 2: a shuffle
  char slot[8];
};

inline std::vector<Fiber> fibers(1024);
inline jmp_buf scheduler;
inline ucontext_t home;
inline const std::function<void()>* body;

inline void wait(int what) {
  const unsigned me = threadIdx.x;
  fibers[me].waits_for = what;
  if (_setjmp(fibers[me].at) == 0) _longjmp(scheduler, 1);
}

inline void run_fiber() {
  (*body)();
  fibers[threadIdx.x].live = false;
  _longjmp(scheduler, 1);
}

inline void resume(unsigned t) {
  threadIdx.x = t;
  Fiber& fiber = fibers[t];
  if (_setjmp(scheduler) != 0) return;
  if (fiber.started) _longjmp(fiber.at, 1);
  fiber.started = true;
  static ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack.get();
  context.uc_stack.ss_size = 64 << 10;
  makecontext(&context, run_fiber, 0);
  setcontext(&context);
}

inline void launch(int64_t grid, int64_t block, const std::function<void()>& kernel) {
  body = &kernel;
  for (int64_t group = 0; group < grid; ++group) {
    blockIdx.x = static_cast<unsigned>(group);
    for (int64_t t = 0; t < block; ++t) {
      Fiber& fiber = fibers[static_cast<std::size_t>(t)];
      if (!fiber.stack) fiber.stack = std::make_unique<char[]>(64 << 10);
      fiber.started = false;
      fiber.live = true;
    }
    for (bool any = true; any;) {
      any = false;
      int kind = 0;
      for (int64_t t = 0; t < block; ++t) {
        Fiber& fiber = fibers[static_cast<std::size_t>(t)];
        if (!fiber.live) continue;
        resume(static_cast<unsigned>(t));
        if (!fiber.live) continue;
        any = true;
        if (kind != 0 && kind != fiber.waits_for) {
          std::fprintf(stderr, "threads of a block wait at different places\n");
          std::abort();
        }
        kind = fiber.waits_for;
      }
    }
  }
}

}  // namespace emulated

inline void __syncthreads() {
  emulated::wait(1);
}

namespace emulated {

/// What the thread `lane` of the same warp has for x.
template <class T>
T of_lane(T x, unsigned lane) {
  const unsigned me = threadIdx.x, other = (me & ~31U) | lane;
  std::memcpy(fibers[me].slot, &x, sizeof(T));
  wait(2);
  if (!fibers[other].live) std::abort();
  T got;
  std::memcpy(&got, fibers[other].slot, sizeof(T));
  wait(2);
  return got;
}

}  // namespace emulated

template <class T>
T __shfl_xor_sync(unsigned, T x, int mask) {
  return emulated::of_lane(x, (threadIdx.x ^ static_cast<unsigned>(mask)) & 31U);
}
template <class T>
T __shfl_sync(unsigned, T x, int lane) {
  return emulated::of_lane(x, static_cast<unsigned>(lane) & 31U);
}
template <class T>
T __shfl_up_sync(unsigned, T x, int by) {
  const unsigned lane = threadIdx.x & 31U, down = static_cast<unsigned>(by);
  return emulated::of_lane(x, lane >= down ? lane - down : lane);
}
