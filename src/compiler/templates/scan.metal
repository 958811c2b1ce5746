// Cumulative sums along one dimension. A line is cut into parts where there are few lines: one kernel
// adds up each part, the next begins each with what the parts before it come to. There is no double here: what is
// carried from tile to tile is a float and what its rounding lost. (Products would need a double's range, too.)
struct b_Carried {
  float value, lost;
  float read() const { return isfinite(value) ? value + lost : value; }
};

inline b_Carried b_carry(b_Carried a, float b) {
  const float sum = a.value + b, of_b = sum - a.value;
  return {sum, a.lost + ((a.value - (sum - of_b)) + (b - of_b))};
}

inline float4 b_scan_load(device const float* x, long at, long end) {
  if (at + 4 <= end) return float4(*(device const packed_float4*)(x + at));
  float4 v = float4(0.0f);
  for (int j = 0; j < 4; ++j)
    if (at + j < end) v[j] = x[at + j];
  return v;
}

// What the parts before `part` come to: their results lie `stride` apart.
inline b_Carried b_scan_before(device const float* sums, long part, long stride) {
  b_Carried before = {0.0f, 0.0f};
  for (long p = 0; p < part; ++p) before = b_carry(before, sums[p * stride]);
  return before;
}

// One part of a row, elements begin to end of x, by TEAM neighbouring threads: a simdgroup or a whole threadgroup.
// `totals` has two places for each simdgroup of the team.
template <int TEAM>
inline void b_scan_part(device const float* x, device float* y, long begin, long end, b_Carried carry,
                        threadgroup float* totals, int t) {
  constexpr int simdgroups = TEAM / 32;
  int which = 0;
  float4 v = b_scan_load(x, begin + 4 * t, end);
  for (long tile = begin; tile < end; tile += 4 * TEAM, which ^= 1) {
    const long at = tile + 4 * t;
    const float4 next = b_scan_load(x, at + 4 * TEAM, end);
    for (int j = 1; j < 4; ++j) v[j] += v[j - 1];
    const float mine = simd_prefix_inclusive_sum(v[3]);  // of this thread and those before it in its simdgroup
    float before = simd_shuffle(mine, ushort(t % 32 == 0 ? 0 : t % 32 - 1));
    if (t % 32 == 0) before = 0.0f;
    float all = simd_shuffle(mine, ushort(31));
    if (simdgroups > 1) {
      threadgroup float* here = totals + which * simdgroups;
      if (t % 32 == 31) here[t / 32] = mine;
      // The one after the next tile's writes stands between these reads and the next use.
      threadgroup_barrier(mem_flags::mem_threadgroup);
      float ahead = 0.0f;
      all = 0.0f;
      for (int s = 0; s < simdgroups; ++s) {
        if (s == t / 32) ahead = all;
        all += here[s];
      }
      before += ahead;
    }
    const b_Carried from = b_carry(carry, before);
    float4 out;
    for (int j = 0; j < 4; ++j) out[j] = b_carry(from, v[j]).read();
    for (int j = 0; j < 4; ++j)
      if (at + j < end) y[at + j] = out[j];
    carry = b_carry(carry, all);
    v = next;
  }
}

template <int TEAM, int TEAMS>
inline void b_scan_rows(device const float* x, device const float* sums, device float* y, threadgroup float* totals,
                        long rows, long n, long parts, long length, uint group, int t) {
  const long item = long(group) * TEAMS + t / TEAM;
  if (item >= rows * parts) return;
  const long row = item / parts, part = item % parts, begin = part * length;
  const b_Carried carry = b_scan_before(sums + row * parts, part, 1);
  b_scan_part<TEAM>(x + row * n, y + row * n, begin, begin + length < n ? begin + length : n, carry, totals,
                        t % TEAM);
}

// `folded` has a place for each simdgroup.
template <int THREADS>
inline void b_fold_row_parts(device const float* x, device float* sums, threadgroup float* folded, long n, long parts,
                             long length, uint group, int t) {
  const long row = long(group) / parts, begin = long(group) % parts * length;
  const long end = begin + length < n ? begin + length : n;
  float4 mine = float4(0.0f);
  for (long at = begin + 4 * t; at < end; at += 4 * THREADS) {
    const float4 v = b_scan_load(x + row * n, at, end);
    for (int j = 0; j < 4; ++j) mine[j] += v[j];
  }
  const float all =
      b_fold_group<b_sum>((mine[0] + mine[1]) + (mine[2] + mine[3]), folded, uint(t), THREADS);
  if (t == 0) sums[group] = all;
}

// A thread's column: [outer][n][inner], and its part of the n.
struct b_Column {
  long item, inside, part, outer;
  b_Column(long inner, long parts, uint group, int t)
      : item(long(group) * 256 + t),
        inside(item % inner),
        part(item / inner % parts),
        outer(item / inner / parts) {}
};

inline void b_scan_columns(device const float* x, device const float* sums, device float* y, long items, long n,
                           long inner, long parts, long length, uint group, int t) {
  const b_Column c(inner, parts, group, t);
  if (c.item >= items) return;
  b_Carried carry = b_scan_before(sums + c.outer * parts * inner + c.inside, c.part, inner);
  const long begin = c.part * length, end = begin + length < n ? begin + length : n;
  const long base = c.outer * n * inner + c.inside;
  for (long i = begin; i < end; ++i) {
    carry = b_carry(carry, x[base + i * inner]);
    y[base + i * inner] = carry.read();
  }
}

inline void b_fold_column_parts(device const float* x, device float* sums, long items, long n, long inner, long parts,
                                long length, uint group, int t) {
  const b_Column c(inner, parts, group, t);
  if (c.item >= items) return;
  const long begin = c.part * length, end = begin + length < n ? begin + length : n;
  const long base = c.outer * n * inner + c.inside;
  b_Carried all = {0.0f, 0.0f};
  for (long i = begin; i < end; ++i) all = b_carry(all, x[base + i * inner]);
  sums[(c.outer * parts + c.part) * inner + c.inside] = all.read();
}
