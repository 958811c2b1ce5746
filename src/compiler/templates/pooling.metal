// Max and average pooling over one to three dimensions. A threadgroup makes parts of several rows of results: the rows
// of input that one needs are combined downwards first, column by column, then along the row in threadgroup memory.
template <class S>
inline float b_pool_join(float a, float b) {
  return S::MAX ? b_max(a, b) : a + b;
}

template <class S>
inline long b_pool_extent(int at, int k, int pad, int n) {
  const int from = at - pad, to = from + k < n + pad ? from + k : n + pad;
  if (S::COUNT_PADDING) return to - from;
  return (to < n ? to : n) - (from > 0 ? from : 0);
}

// Where part number `at` of the rows lies.
template <class S>
struct b_PoolPart {
  int chunk, row, slice;
  long plane;
  inline explicit b_PoolPart(uint at)
      : chunk(int(at % S::CHUNKS)),
        row(int(at / S::CHUNKS % S::OH)),
        slice(int(at / (S::CHUNKS * S::OH) % S::OD)),
        plane(long(at / (S::CHUNKS * S::OH * S::OD))) {}
};

template <class S>
inline float b_pool_column(device const float* x, b_PoolPart<S> part, int column) {
  float v = S::MAX ? -b_inf : 0.0f;
  if (column < 0 || column >= S::W) return v;
  device const float* from = x + part.plane * (long(S::D) * S::H * S::W) + column;
#pragma unroll
  for (int a = 0; a < S::KD; ++a) {
    const int z = part.slice * S::SD - S::PD + a * S::DD;
    if (z < 0 || z >= S::D) continue;
#pragma unroll
    for (int b = 0; b < S::KH; ++b) {
      const int r = part.row * S::SH - S::PH + b * S::DH;
      if (r >= 0 && r < S::H) v = b_pool_join<S>(from[(long(z) * S::H + r) * S::W], v);
    }
  }
  return v;
}

// S has the sizes, and LINES parts of rows to a threadgroup, WIDE results and TAKEN inputs to a part, all() parts.
// `line` has LINES * TAKEN places.
template <class S>
inline void b_pool(device const float* x, device float* y, threadgroup float* line, uint group, int t) {
  const uint first = group * uint(S::LINES);
  for (int i = t; i < S::LINES * S::TAKEN; i += S::THREADS) {
    const uint at = first + uint(i / S::TAKEN);
    if (at >= S::all()) break;
    const b_PoolPart<S> part(at);
    line[i] = b_pool_column<S>(x, part, part.chunk * (S::WIDE * S::SW) - S::PW + i % S::TAKEN);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (int i = t; i < S::LINES * S::WIDE; i += S::THREADS) {
    const uint at = first + uint(i / S::WIDE);
    if (at >= S::all()) break;
    const b_PoolPart<S> part(at);
    const int o = part.chunk * S::WIDE + i % S::WIDE;
    if (o >= S::OW) continue;
    threadgroup const float* from = line + i / S::WIDE * S::TAKEN + i % S::WIDE * S::SW;
    float v = from[0];
#pragma unroll
    for (int k = 1; k < S::KW; ++k) v = b_pool_join<S>(from[k * S::DW], v);
    if (!S::MAX)
      v /= float(S::DIVISOR > 0 ? long(S::DIVISOR)
                                : b_pool_extent<S>(part.slice * S::SD, S::KD, S::PD, S::D) *
                                      b_pool_extent<S>(part.row * S::SH, S::KH, S::PH, S::H) *
                                      b_pool_extent<S>(o * S::SW, S::KW, S::PW, S::W));
    y[((part.plane * S::OD + part.slice) * S::OH + part.row) * S::OW + o] = v;
  }
}
