// Products of fp32 matrices on Hopper's tensor cores, y[m, n] = sum over k of a[m, k] * b[n, k], in fp32 class.
//
// Each row of a and of b is scaled by a power of two (its largest magnitude comes to lie in [2^14, 2^15)) and split
// into two fp16 halves, x = hi + lo, which hold 22 bits of every element down to 2^-16 of its row's largest. A product
// is hi*hi + hi*lo + lo*hi. Tensor cores truncate when they accumulate, so partial sums go to fp32 registers every few
// blocks of K.
//
// The halves lie as the kernel wants them in shared memory: for each block of 64 of K and each 8 rows 2,048 bytes,
// first 8 x 128 bytes of hi, then of lo, each swizzled by 128 bytes. Any tile of rows is then one piece of memory,
// which one bulk copy without a tensor map brings.
//
// Alone this text is the kernel that splits; it is the product where before it stand: COLUMNS of a tile (64, 128 or
// 192), GROUPS of 64 rows of it (1 or 2), STAGES in shared memory, PROMOTE (blocks of K between promotions) and, if
// wanted, CLUSTER (2: two blocks, one below the other, bring each other half of their columns' operand), ACTIVATE(v),
// and PRODUCT, the kernel's name.
#ifndef ACTIVATE
#define ACTIVATE(v) (v)
#endif
#ifndef CLUSTER
#define CLUSTER 1
#endif
#ifndef PRODUCT
#define PRODUCT split_product
#endif

namespace split {

typedef unsigned int u32;
typedef unsigned long long u64;

constexpr int row_bytes = 256;  // of a block of 64 of K: hi and lo
constexpr int eight_rows = 8 * row_bytes;

// ---------------------------------------------------------------- splitting

__device__ inline u32 magnitude(float v) {
  return __float_as_uint(v) & 0x7fffffffu;
}

__device__ inline u32 larger(u32 a, u32 b) {
  return a < b ? b : a;
}

/// The biased exponent of the power of two that brings `largest` (bits of a magnitude) to [2^14, 2^15).
__device__ inline u32 scale_exponent(u32 largest) {
  const u32 exponent = largest >> 23;
  if (exponent == 255) return 127;  // infinities and NaN stay what they are
  return exponent < 21 ? 247 : 268 - exponent;
}

__device__ inline unsigned short to_half(float v) {
  unsigned short h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
  return h;
}

__device__ inline float from_half(unsigned short h) {
  float v;
  asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(h));
  return v;
}

__device__ inline void load8(const float* row, int64_t k, int64_t first, bool aligned, float (&v)[8]) {
  if (aligned && first + 8 <= k) {
    const float4 p = *reinterpret_cast<const float4*>(row + first),
                 q = *reinterpret_cast<const float4*>(row + first + 4);
    v[0] = p.x, v[1] = p.y, v[2] = p.z, v[3] = p.w, v[4] = q.x, v[5] = q.y, v[6] = q.z, v[7] = q.w;
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i) v[i] = first + i < k ? row[first + i] : 0.0f;
  }
}

}  // namespace split

#ifndef COLUMNS

/// Splits the rows of x [rows, k]; grid: 8 * cdiv(rows, 8). `scale` gets the inverse of each row's scale.
extern "C" __global__ void __launch_bounds__(256)
    split_rows(const float* x, unsigned char* halves, float* scale, int64_t rows, int64_t k) {
  using namespace split;
  __shared__ u32 largest_of[8];
  const int64_t r = blockIdx.x, eights = gridDim.x / 8, blocks = (k + 63) / 64;
  const bool aligned = k % 4 == 0 && reinterpret_cast<u64>(x) % 16 == 0;
  const float* row = x + r * k;
  const int64_t filled = r < rows ? k : 0;
  float v[8];
  u32 largest = 0;
  for (int64_t chunk = threadIdx.x; chunk * 8 < filled; chunk += 256) {
    load8(row, filled, chunk * 8, aligned, v);
#pragma unroll
    for (int i = 0; i < 8; ++i) largest = larger(largest, magnitude(v[i]));
  }
  largest = __reduce_max_sync(0xffffffffu, largest);
  if (threadIdx.x % 32 == 0) largest_of[threadIdx.x / 32] = largest;
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 8; ++i) largest = larger(largest, largest_of[i]);
  const u32 exponent = scale_exponent(largest);
  const float by = __uint_as_float(exponent << 23);
  for (int64_t chunk = threadIdx.x; chunk < blocks * 8; chunk += 256) {
    load8(row, filled, chunk * 8, aligned, v);
    u32 hi[4], lo[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float p = v[2 * i] * by, q = v[2 * i + 1] * by;
      const unsigned short hp = to_half(p), hq = to_half(q);
      hi[i] = hp | static_cast<u32>(hq) << 16;
      lo[i] = to_half(p - from_half(hp)) | static_cast<u32>(to_half(q - from_half(hq))) << 16;
    }
    unsigned char* to = halves + (chunk / 8 * eights + r / 8) * eight_rows + r % 8 * 128 + ((chunk % 8) ^ (r % 8)) * 16;
    *reinterpret_cast<uint4*>(to) = make_uint4(hi[0], hi[1], hi[2], hi[3]);
    *reinterpret_cast<uint4*>(to + 1024) = make_uint4(lo[0], lo[1], lo[2], lo[3]);
  }
  if (threadIdx.x == 0 && r < rows) scale[r] = __uint_as_float((254 - exponent) << 23);
}

#else

namespace split {

// ---------------------------------------------------------------- barriers, copies, wgmma

__device__ inline u32 shared_address(const void* p) {
  return static_cast<u32>(__cvta_generic_to_shared(p));
}

__device__ inline void barrier_init(u32 barrier, u32 count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count) : "memory");
}

__device__ inline void barrier_expect(u32 barrier, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

__device__ inline void barrier_arrive(u32 barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ inline void barrier_wait(u32 barrier, u32 parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "AGAIN:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra READY;\n"
      "bra AGAIN;\n"
      "READY:\n"
      "}\n" ::"r"(barrier),
      "r"(parity)
      : "memory");
}

__device__ inline void bulk_copy(u32 to, const void* from, u32 bytes, u32 barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
               "l"(from), "r"(bytes), "r"(barrier)
               : "memory");
}

/// To the same places of shared memory, barrier included, of both blocks of a cluster.
__device__ inline void bulk_copy_to_both(u32 to, const void* from, u32 bytes, u32 barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], "
      "%4;" ::"r"(to),
      "l"(from), "r"(bytes), "r"(barrier), "h"(static_cast<unsigned short>(3))
      : "memory");
}

__device__ inline u32 rank_in_cluster() {
  u32 rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}

/// Arrives at the same barrier of block `rank` of the cluster.
__device__ inline void barrier_arrive_at(u32 barrier, u32 rank) {
  asm volatile(
      "{\n"
      ".reg .b32 there;\n"
      "mapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [there];\n"
      "}\n" ::"r"(barrier),
      "r"(rank)
      : "memory");
}

__device__ inline void cluster_sync() {
  asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory");
}

/// Operands with K innermost, swizzled by 128 bytes, 2,048 bytes from 8 rows to the next.
__device__ inline u64 descriptor(u32 address) {
  return static_cast<u64>((address & 0x3ffff) >> 4) | 1ull << 16 | static_cast<u64>(eight_rows >> 4) << 32 | 1ull << 62;
}

__device__ inline void mma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ inline void mma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int Pending>
__device__ inline void mma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

#define R8(d, i)                                                                                              \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]), \
      "+f"(d[i + 7])
#define R32(d, i) R8(d, i), R8(d, i + 8), R8(d, i + 16), R8(d, i + 24)
#define NAMES_0                                                                                                    \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, " \
  "%24, "                                                                                                          \
  "%25, %26, %27, %28, %29, %30, %31"
#define NAMES_32                                                                                                     \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, " \
  "%54, "                                                                                                            \
  "%55, %56, %57, %58, %59, %60, %61, %62, %63"
#define NAMES_64                                                                                                     \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, " \
  "%86, "                                                                                                            \
  "%87, %88, %89, %90, %91, %92, %93, %94, %95"
#define MMA(columns, names, a, b, add)    \
  "{\n.reg .pred p;\nsetp.ne.b32 p, " add \
  ", 0;\n"                                \
  "wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.f16.f16 {" names "}, " a ", " b ", p, 1, 1, 0, 0;\n}\n"

/// d = a * b + (add ? d : 0), 64 rows by 2 * Registers columns by 16 of K.
template <int Registers>
__device__ void mma(float (&d)[Registers], u64 a, u64 b, int add);
template <>
__device__ inline void mma<32>(float (&d)[32], u64 a, u64 b, int add) {
  asm volatile(MMA("64", NAMES_0, "%32", "%33", "%34") : R32(d, 0) : "l"(a), "l"(b), "r"(add));
}
template <>
__device__ inline void mma<64>(float (&d)[64], u64 a, u64 b, int add) {
  asm volatile(MMA("128", NAMES_0 NAMES_32, "%64", "%65", "%66") : R32(d, 0), R32(d, 32) : "l"(a), "l"(b), "r"(add));
}
template <>
__device__ inline void mma<96>(float (&d)[96], u64 a, u64 b, int add) {
  asm volatile(MMA("192", NAMES_0 NAMES_32 NAMES_64, "%96", "%97", "%98")
               : R32(d, 0), R32(d, 32), R32(d, 64)
               : "l"(a), "l"(b), "r"(add));
}

/// Keeps the compiler from moving uses of the accumulators over the asynchronous instructions.
template <int Registers>
__device__ inline void pin(float (&d)[Registers]) {
#pragma unroll
  for (int i = 0; i < Registers; ++i) asm volatile("" : "+f"(d[i])::"memory");
}

/// The twelve products of a block of 64 of K: the small ones first.
template <int Registers>
__device__ inline void mma_block(float (&d)[Registers], u64 a, u64 b, int add) {
  constexpr u64 lo = 1024 >> 4, sixteen = 32 >> 4;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    mma(d, a + lo + k * sixteen, b + k * sixteen, k == 0 ? add : 1);
    mma(d, a + k * sixteen, b + lo + k * sixteen, 1);
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) mma(d, a + k * sixteen, b + k * sixteen, 1);
}

struct Tile {
  int64_t row, column;
};

/// Tiles in the order in which blocks take them: some rows of tiles together, so that what runs at a time shares
/// operands. The blocks of a cluster have one tile below the other.
__device__ inline Tile tile_of(int64_t block, int64_t m, int64_t n) {
  constexpr int64_t rows = 64 * GROUPS * CLUSTER, columns = COLUMNS, together = 8 / CLUSTER;
  const int64_t id = block / CLUSTER, down = (m + rows - 1) / rows, across = (n + columns - 1) / columns;
  const int64_t first = id / (together * across) * together, within = id % (together * across);
  const int64_t height = down - first < together ? down - first : together;
  return {(first + within % height) * rows + block % CLUSTER * (64 * GROUPS), within / height * columns};
}

/// Bytes of a tile of `rows` rows that lie in an operand that has `left` times eight rows from there on.
__device__ inline u32 bytes_of(int64_t left, int rows) {
  return left <= 0 ? 0 : static_cast<u32>(left < rows / 8 ? left : rows / 8) * eight_rows;
}

/// Says that this warp has read a stage: to all whose copies go there.
__device__ inline void release(u32 barrier) {
#if CLUSTER == 2
  barrier_arrive_at(barrier, 0);
  barrier_arrive_at(barrier, 1);
#else
  barrier_arrive(barrier);
#endif
}

}  // namespace split

/// y [m, n] = activate(a * transposed b + bias); grid: the tiles, of full clusters; block: 128 * (GROUPS + 1); shared
/// bytes: STAGES * 256 * (64 * GROUPS + COLUMNS) + 1024. `bias` may be null.
extern "C" __global__ void __launch_bounds__(128 * (GROUPS + 1), 1)
    PRODUCT(const unsigned char* a, const float* a_scale, const unsigned char* b, const float* b_scale,
            const float* bias, float* y, int64_t m, int64_t n, int64_t k) {
#if __CUDA_ARCH__ == 900
  using namespace split;
  constexpr int rows = 64 * GROUPS, a_bytes = rows * row_bytes, stage_bytes = a_bytes + COLUMNS * row_bytes;
  constexpr int registers = COLUMNS / 2;
  extern __shared__ unsigned char raw[];
  __shared__ u64 full_barriers[STAGES], empty_barriers[STAGES];
  const u32 stages = (shared_address(raw) + 1023) & ~1023u;
  const u32 full = shared_address(full_barriers), empty = shared_address(empty_barriers);
  const int blocks = static_cast<int>((k + 63) / 64), group = threadIdx.x / 128;
  const Tile tile = tile_of(blockIdx.x, m, n);

  if (threadIdx.x == 0) {
    for (int s = 0; s < STAGES; ++s) barrier_init(full + 8 * s, 1), barrier_init(empty + 8 * s, 4 * GROUPS * CLUSTER);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
#if CLUSTER == 2
  cluster_sync();
#else
  __syncthreads();
#endif

  if (group == GROUPS) {  // the producer
#if GROUPS == 2
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
#endif
    if (threadIdx.x % 128 == 0) {
      const int64_t a_eights = (m + 7) / 8, b_eights = (n + 7) / 8;
      const int64_t first_column = tile.column / 8;
      const u32 a_copy = bytes_of(a_eights - tile.row / 8, rows), b_copy = bytes_of(b_eights - first_column, COLUMNS);
#if CLUSTER == 2
      const int64_t half = rank_in_cluster() * (COLUMNS / 16);  // which this block brings both
      const u32 half_copy = bytes_of(b_eights - first_column - half, COLUMNS / 2);
#endif
      const unsigned char *from_a = a + tile.row / 8 * eight_rows, *from_b = b + first_column * eight_rows;
      int stage = 0;
      u32 parity = 1;
      for (int block = 0; block < blocks; ++block) {
        barrier_wait(empty + 8 * stage, parity);
        barrier_expect(full + 8 * stage, a_copy + b_copy);
        const u32 to = stages + stage * stage_bytes;
        if (a_copy > 0) bulk_copy(to, from_a, a_copy, full + 8 * stage);
#if CLUSTER == 2
        const u32 skipped = static_cast<u32>(half) * eight_rows;
        if (half_copy > 0) bulk_copy_to_both(to + a_bytes + skipped, from_b + skipped, half_copy, full + 8 * stage);
#else
        bulk_copy(to + a_bytes, from_b, b_copy, full + 8 * stage);
#endif
        from_a += a_eights * eight_rows, from_b += b_eights * eight_rows;
        if (++stage == STAGES) stage = 0, parity ^= 1;
      }
    }
  } else {
#if GROUPS == 2
    asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
#endif
    float sum[registers], part[registers];
#pragma unroll
    for (int i = 0; i < registers; ++i) sum[i] = 0, part[i] = 0;
    int stage = 0, previous = 0;
    u32 parity = 0;
    const bool signals = threadIdx.x % 32 == 0;
#pragma unroll 1
    for (int block = 0; block < blocks;) {
      const int end = block + PROMOTE < blocks ? block + PROMOTE : blocks;
#pragma unroll 1
      for (int first = block; block < end; ++block) {
        barrier_wait(full + 8 * stage, parity);
        const u32 at = stages + stage * stage_bytes;
        pin(part);
        mma_fence();
        mma_block(part, descriptor(at + group * 64 * row_bytes), descriptor(at + a_bytes), block != first);
        mma_commit();
        if (block != first) {
          mma_wait<1>();
          if (signals) release(empty + 8 * previous);
        }
        previous = stage;
        if (++stage == STAGES) stage = 0, parity ^= 1;
      }
      mma_wait<0>();
      pin(part);
      if (signals) release(empty + 8 * previous);
#pragma unroll
      for (int i = 0; i < registers; ++i) sum[i] += part[i];
    }

    const int lane = threadIdx.x % 32;
    const int64_t top = tile.row + group * 64 + threadIdx.x % 128 / 32 * 16 + lane / 4;
    const int64_t left = tile.column + lane % 4 * 2;
    const bool pairs = n % 2 == 0;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int64_t r = top + 8 * half;
      if (r >= m) continue;
      const float by = a_scale[r];
      float* to = y + r * n;
#pragma unroll
      for (int j = 0; j < registers / 4; ++j) {
        const int64_t c = left + 8 * j;
        if (c >= n) continue;
        const float p = ACTIVATE(sum[4 * j + 2 * half] * by * b_scale[c] + (bias ? bias[c] : 0.0f));
        if (c + 1 >= n) {
          to[c] = p;
          continue;
        }
        const float q = ACTIVATE(sum[4 * j + 2 * half + 1] * by * b_scale[c + 1] + (bias ? bias[c + 1] : 0.0f));
        if (pairs)
          *reinterpret_cast<float2*>(to + c) = make_float2(p, q);
        else
          to[c] = p, to[c + 1] = q;
      }
    }
  }
#if CLUSTER == 2
  cluster_sync();  // what is here must not end while the other block copies to it or arrives at its barriers
#endif
#else
  __trap();  // the compiler asks for it on Hopper alone
#endif
}

#endif
