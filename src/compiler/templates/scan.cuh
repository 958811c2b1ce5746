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

// Elements that a thread takes at once: 16 bytes.
template <class T>
constexpr int b_scan_wide = 16 / int(sizeof(T));

template <class Op, class T>
inline b_lanes<b_scan_wide<T>> b_scan_load(const T* x, int64_t at, int64_t end) {
  constexpr int wide = b_scan_wide<T>;
  if (at + wide <= end) return b_load<wide>(x + at);
  b_lanes<wide> v;
  for (int j = 0; j < wide; ++j) v[j] = at + j < end ? float(x[at + j]) : Op::unit;
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
template <class Op, int TEAM, class T>
inline void b_scan_part(const T* x, T* y, int64_t begin, int64_t end, double carry, int t) {
  constexpr int warps = TEAM / 32, wide = b_scan_wide<T>;
  __shared__ float totals[2][warps];
  int which = 0;
  b_lanes<wide> v = b_scan_load<Op>(x, begin + wide * t, end);
  for (int64_t tile = begin; tile < end; tile += wide * TEAM, which ^= 1) {
    const int64_t at = tile + wide * t;
    const b_lanes<wide> next = b_scan_load<Op>(x, at + wide * TEAM, end);
    for (int j = 1; j < wide; ++j) v[j] = Op::both(v[j - 1], v[j]);
    float mine = v[wide - 1];  // of this thread and those before it in its warp
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
    if (at + wide <= end && reinterpret_cast<uint64_t>(y + at) % 16 == 0) {
      b_lanes<wide> out;
      for (int j = 0; j < wide; ++j) out[j] = float(Op::both(from, double(v[j])));
      b_store(y + at, out);
    } else {
      for (int j = 0; j < wide; ++j)
        if (at + j < end) y[at + j] = T(float(Op::both(from, double(v[j]))));
    }
    carry = Op::both(carry, double(all));
    v = next;
  }
}

template <bool PRODUCT, int TEAM, int TEAMS, class T>
inline void b_scan_rows(const T* x, const float* sums, T* y, int64_t rows, int64_t n, int64_t parts,
                        int64_t length) {
  using Op = b_Scan<PRODUCT>;
  const int t = int(threadIdx.x);
  const int64_t item = int64_t(blockIdx.x) * TEAMS + t / TEAM;
  if (item >= rows * parts) return;
  const int64_t row = item / parts, part = item % parts, begin = part * length;
  const double carry = b_scan_before<Op>(sums + row * parts, part, 1);
  b_scan_part<Op, TEAM>(x + row * n, y + row * n, begin, begin + length < n ? begin + length : n, carry, t % TEAM);
}

template <bool PRODUCT, int THREADS, class T>
inline void b_fold_row_parts(const T* x, float* sums, int64_t n, int64_t parts, int64_t length) {
  using Op = b_Scan<PRODUCT>;
  __shared__ float folded[32];
  const int t = int(threadIdx.x);
  const int64_t row = blockIdx.x / parts, begin = blockIdx.x % parts * length;
  const int64_t end = begin + length < n ? begin + length : n;
  constexpr int wide = b_scan_wide<T>;
  b_lanes<wide> mine;
  for (int j = 0; j < wide; ++j) mine[j] = Op::unit;
#pragma unroll 4
  for (int64_t at = begin + wide * t; at < end; at += wide * THREADS) {
    const b_lanes<wide> v = b_scan_load<Op>(x + row * n, at, end);
    for (int j = 0; j < wide; ++j) mine[j] = Op::both(mine[j], v[j]);
  }
#pragma unroll
  for (int half = wide / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) mine[j] = Op::both(mine[j], mine[j + half]);
  const float all = b_fold_group<Op>(mine[0], folded, unsigned(t), THREADS);
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

template <bool PRODUCT, class T>
inline void b_scan_columns(const T* x, const float* sums, T* y, int64_t items, int64_t n, int64_t inner,
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
    for (int j = 0; j < 8; ++j) v[j] = i + j < end ? float(x[base + (i + j) * inner]) : Op::unit;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      carry = Op::both(carry, double(v[j]));
      if (i + j < end) y[base + (i + j) * inner] = T(float(carry));
    }
  }
}

template <bool PRODUCT, class T>
inline void b_fold_column_parts(const T* x, float* sums, int64_t items, int64_t n, int64_t inner, int64_t parts,
                                int64_t length) {
  using Op = b_Scan<PRODUCT>;
  const b_Column c(inner, parts);
  if (c.item >= items) return;
  const int64_t begin = c.part * length, end = begin + length < n ? begin + length : n;
  const int64_t base = c.outer * n * inner + c.inside;
  double all = Op::unit;
#pragma unroll 8
  for (int64_t i = begin; i < end; ++i) all = Op::both(all, double(float(x[base + i * inner])));
  sums[(c.outer * parts + c.part) * inner + c.inside] = float(all);
}

}  // namespace
