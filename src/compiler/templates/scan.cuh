// Cumulative sums and products along one dimension. A line is cut into parts where there are few lines: one kernel
// folds each part, the next begins each with what the parts before it come to. Between tiles the result is carried in
// double.
namespace {

template <bool PRODUCT>
struct b_Scan {
  template <class T>
  static inline T both(T a, T b) {
    return PRODUCT ? a * b : a + b;
  }
  static constexpr float unit = PRODUCT ? 1.0f : 0.0f;
};

template <class Op>
inline b_four b_scan_load(const float* x, int64_t at, int64_t end) {
  if (at + 4 <= end) return b_load_four(x + at);
  b_four v{{Op::unit, Op::unit, Op::unit, Op::unit}};
  for (int j = 0; j < 4; ++j)
    if (at + j < end) v[j] = x[at + j];
  return v;
}

// What the parts before `part` come to: their results lie `stride` apart.
template <class Op>
inline double b_scan_before(const float* sums, int64_t part, int64_t stride) {
  double before = Op::unit;
  for (int64_t p = 0; p < part; ++p) before = Op::both(before, double(sums[p * stride]));
  return before;
}

// One part of a row, elements begin to end of x, by TEAM neighbouring threads: a warp or a whole block.
template <class Op, int TEAM>
inline void b_scan_part(const float* x, float* y, int64_t begin, int64_t end, double carry, int t) {
  constexpr int warps = TEAM / 32;
  __shared__ float totals[2][warps];
  int which = 0;
  b_four v = b_scan_load<Op>(x, begin + 4 * t, end);
  for (int64_t tile = begin; tile < end; tile += 4 * TEAM, which ^= 1) {
    const int64_t at = tile + 4 * t;
    const b_four next = b_scan_load<Op>(x, at + 4 * TEAM, end);
    for (int j = 1; j < 4; ++j) v[j] = Op::both(v[j - 1], v[j]);
    float mine = v[3];  // of this thread and those before it in its warp
    for (int step = 1; step < 32; step *= 2) {
      const float other = __shfl_up_sync(0xffffffffu, mine, step);
      if (t % 32 >= step) mine = Op::both(other, mine);
    }
    float before = __shfl_up_sync(0xffffffffu, mine, 1);
    if (t % 32 == 0) before = Op::unit;
    float all = __shfl_sync(0xffffffffu, mine, 31);
    if (warps > 1) {
      if (t % 32 == 31) totals[which][t / 32] = mine;
      __syncthreads();  // the one after the next tile's writes stands between these reads and the next use
      float ahead = Op::unit;
      all = Op::unit;
      for (int w = 0; w < warps; ++w) {
        if (w == t / 32) ahead = all;
        all = Op::both(all, totals[which][w]);
      }
      before = Op::both(ahead, before);
    }
    const double from = Op::both(carry, double(before));
    if (at + 4 <= end && (reinterpret_cast<uint64_t>(y + at) & 15) == 0) {
      b_four out;
      for (int j = 0; j < 4; ++j) out[j] = float(Op::both(from, double(v[j])));
      b_store_four(y + at, out);
    } else {
      for (int j = 0; j < 4; ++j)
        if (at + j < end) y[at + j] = float(Op::both(from, double(v[j])));
    }
    carry = Op::both(carry, double(all));
    v = next;
  }
}

template <bool PRODUCT, int TEAM, int TEAMS>
inline void b_scan_rows(const float* x, const float* sums, float* y, int64_t rows, int64_t n, int64_t parts,
                        int64_t length) {
  using Op = b_Scan<PRODUCT>;
  const int t = int(threadIdx.x);
  const int64_t item = int64_t(blockIdx.x) * TEAMS + t / TEAM;
  if (item >= rows * parts) return;
  const int64_t row = item / parts, part = item % parts, begin = part * length;
  const double carry = b_scan_before<Op>(sums + row * parts, part, 1);
  b_scan_part<Op, TEAM>(x + row * n, y + row * n, begin, begin + length < n ? begin + length : n, carry, t % TEAM);
}

template <bool PRODUCT, int THREADS>
inline void b_fold_row_parts(const float* x, float* sums, int64_t n, int64_t parts, int64_t length) {
  using Op = b_Scan<PRODUCT>;
  __shared__ float folded[32];
  const int t = int(threadIdx.x);
  const int64_t row = blockIdx.x / parts, begin = blockIdx.x % parts * length;
  const int64_t end = begin + length < n ? begin + length : n;
  b_four mine{{Op::unit, Op::unit, Op::unit, Op::unit}};
#pragma unroll 4
  for (int64_t at = begin + 4 * t; at < end; at += 4 * THREADS) {
    const b_four v = b_scan_load<Op>(x + row * n, at, end);
    for (int j = 0; j < 4; ++j) mine[j] = Op::both(mine[j], v[j]);
  }
  const float all =
      b_fold_group<Op>(Op::both(Op::both(mine[0], mine[1]), Op::both(mine[2], mine[3])), folded, unsigned(t), THREADS);
  if (t == 0) sums[blockIdx.x] = all;
}

// A thread's column: [outer][n][inner], and its part of the n.
struct b_Column {
  int64_t item, inside, part, outer;
  inline b_Column(int64_t inner, int64_t parts)
      : item(int64_t(blockIdx.x) * 256 + threadIdx.x),
        inside(item % inner),
        part(item / inner % parts),
        outer(item / inner / parts) {}
};

template <bool PRODUCT>
inline void b_scan_columns(const float* x, const float* sums, float* y, int64_t items, int64_t n, int64_t inner,
                           int64_t parts, int64_t length) {
  using Op = b_Scan<PRODUCT>;
  const b_Column c(inner, parts);
  if (c.item >= items) return;
  double carry = b_scan_before<Op>(sums + c.outer * parts * inner + c.inside, c.part, inner);
  const int64_t begin = c.part * length, end = begin + length < n ? begin + length : n;
  const int64_t base = c.outer * n * inner + c.inside;
  for (int64_t i = begin; i < end; i += 8) {
    float v[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) v[j] = i + j < end ? x[base + (i + j) * inner] : Op::unit;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      carry = Op::both(carry, double(v[j]));
      if (i + j < end) y[base + (i + j) * inner] = float(carry);
    }
  }
}

template <bool PRODUCT>
inline void b_fold_column_parts(const float* x, float* sums, int64_t items, int64_t n, int64_t inner, int64_t parts,
                                int64_t length) {
  using Op = b_Scan<PRODUCT>;
  const b_Column c(inner, parts);
  if (c.item >= items) return;
  const int64_t begin = c.part * length, end = begin + length < n ? begin + length : n;
  const int64_t base = c.outer * n * inner + c.inside;
  double all = Op::unit;
#pragma unroll 8
  for (int64_t i = begin; i < end; ++i) all = Op::both(all, double(x[base + i * inner]));
  sums[(c.outer * parts + c.part) * inner + c.inside] = float(all);
}

}  // namespace
