// Products of a large matrix with a few vectors: it is read once, by a warp or a block for some of its rows. One or two
// vectors come from the caches, more of them piece by piece through shared memory.
namespace {

template <int COLUMNS, int ROWS>
inline void b_few_add(const float* a, const float* v, int64_t k, int64_t i, float (&sum)[ROWS][COLUMNS]) {
  b_four x[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; ++r) x[r] = b_load<4>(a + r * k + i);
  b_four y[COLUMNS];  // all before the first is used: they come one after the other otherwise
#pragma unroll
  for (int c = 0; c < COLUMNS; ++c) y[c] = b_load<4>(v + c * k + i);
#pragma unroll
  for (int c = 0; c < COLUMNS; ++c)
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
      for (int j = 0; j < 4; ++j) sum[r][c] += x[r][j] * y[c][j];
}

// y[r * down + c * across] = row r of a times vector c, plus bias[r * bias_down + c * (1 - bias_down)].
template <int COLUMNS, int ROWS, int TEAM, int TEAMS>
inline void b_few_columns(const float* a, const float* v, const float* bias, float* y, int64_t rows, int64_t k,
                          int64_t down, int64_t across, int64_t bias_down) {
  __shared__ float parts[TEAM / 32];
  const int t = int(threadIdx.x), lane = t % TEAM;
  const int64_t row = (int64_t(blockIdx.x) * TEAMS + t / TEAM) * ROWS;
  if (row >= rows) return;
  float sum[ROWS][COLUMNS] = {};
  a += row * k;
  int64_t i = 4 * lane;
  for (; i + 4 * TEAM < k; i += 8 * TEAM) {  // two loads of each row under way
    b_few_add<COLUMNS, ROWS>(a, v, k, i, sum);
    b_few_add<COLUMNS, ROWS>(a, v, k, i + 4 * TEAM, sum);
  }
  if (i < k) b_few_add<COLUMNS, ROWS>(a, v, k, i, sum);
#pragma unroll
  for (int r = 0; r < ROWS; ++r)
#pragma unroll
    for (int c = 0; c < COLUMNS; ++c) {
      const float all =
          TEAM == 32 ? b_fold_lanes<b_sum>(sum[r][c], 32) : b_fold_group<b_sum>(sum[r][c], parts, unsigned(lane), TEAM);
      if (lane == 0)
        y[(row + r) * down + c * across] =
            all + (bias == nullptr ? 0.0f : bias[(row + r) * bias_down + c * (1 - bias_down)]);
    }
}

// Pieces of the vectors in shared memory. They come there by way of registers, so that the next piece is under way while
// this one is used.
template <int COLUMNS, int THREADS>
struct b_FewPieces {
  static constexpr int LENGTH = 512, TAKEN = (COLUMNS * LENGTH / 4 + THREADS - 1) / THREADS;
  alignas(16) float of[2][COLUMNS * LENGTH];

  static inline void take(const float* v, unsigned k, unsigned from, unsigned t, b_four (&taken)[TAKEN]) {
#pragma unroll
    for (int m = 0; m < TAKEN; ++m) {
      const unsigned f = 4 * (t + m * THREADS), c = f / LENGTH, at = f % LENGTH;
      taken[m] = c < COLUMNS && from + at < k ? b_load<4>(v + c * k + from + at) : b_four{};
    }
  }
  inline void put(int which, unsigned t, const b_four (&taken)[TAKEN]) {
#pragma unroll
    for (int m = 0; m < TAKEN; ++m) {
      const unsigned f = 4 * (t + m * THREADS);
      if (f < COLUMNS * LENGTH) b_store(&of[which][f], taken[m]);
    }
  }
};

template <bool ALIGNED>
inline b_four b_few_four(const float* from) {
  if constexpr (!ALIGNED) return {{from[0], from[1], from[2], from[3]}};
  const b_Pack<float, 4> pack = *reinterpret_cast<const b_Pack<float, 4>*>(from);
  return {{pack.of[0], pack.of[1], pack.of[2], pack.of[3]}};
}

// A warp's ROWS rows from `first` on, a lane every 32nd four of each.
template <int COLUMNS, int ROWS, bool ALIGNED, class Pieces>
inline void b_few_sums(const float* a, const float* v, int64_t first, int64_t rows, unsigned k, Pieces& pieces,
                       float (&sum)[ROWS][COLUMNS]) {
  const unsigned t = threadIdx.x, lane = t % 32;
  const int64_t left = rows - first;  // a warp past the end does the last row again
  const float* from = a + (left > 0 ? first : rows - 1) * k + 4 * lane;
  int which = 0;
  for (unsigned i = 0; i < k; i += Pieces::LENGTH, which ^= 1) {
    b_four taken[Pieces::TAKEN];
    Pieces::take(v, k, i + Pieces::LENGTH, t, taken);
#pragma unroll 2
    for (unsigned at = 0; at < Pieces::LENGTH; at += 128) {
      if (i + at + 4 * lane >= k) break;
      b_four x[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; ++r) x[r] = b_few_four<ALIGNED>(from + ((r < left ? r * k : 0) + i + at));
#pragma unroll
      for (int c = 0; c < COLUMNS; ++c) {
        const b_four y = b_few_four<true>(&pieces.of[which][c * Pieces::LENGTH + at + 4 * lane]);
#pragma unroll
        for (int r = 0; r < ROWS; ++r)
#pragma unroll
          for (int j = 0; j < 4; ++j) sum[r][c] += x[r][j] * y[j];
      }
    }
    pieces.put(which ^ 1, t, taken);
    __syncthreads();
  }
}

// As b_few_columns with a warp to ROWS rows, its vectors in shared memory.
template <int COLUMNS, int ROWS, int WARPS>
inline void b_few_columns_staged(const float* a, const float* v, const float* bias, float* y, int64_t rows, int64_t k,
                                 int64_t down, int64_t across, int64_t bias_down) {
  using Pieces = b_FewPieces<COLUMNS, 32 * WARPS>;
  __shared__ Pieces pieces;
  const int t = int(threadIdx.x), lane = t % 32;
  const int64_t first = (int64_t(blockIdx.x) * WARPS + t / 32) * ROWS;
  b_four taken[Pieces::TAKEN];
  Pieces::take(v, k, 0, t, taken);
  pieces.put(0, t, taken);
  __syncthreads();
  float sum[ROWS][COLUMNS] = {};
  if (reinterpret_cast<uint64_t>(a) % 16 == 0)
    b_few_sums<COLUMNS, ROWS, true>(a, v, first, rows, k, pieces, sum);
  else
    b_few_sums<COLUMNS, ROWS, false>(a, v, first, rows, k, pieces, sum);
#pragma unroll
  for (int r = 0; r < ROWS; ++r)
#pragma unroll
    for (int c = 0; c < COLUMNS; ++c) {
      const float all = b_fold_lanes<b_sum>(sum[r][c], 32);
      if (lane == r * COLUMNS + c && first + r < rows)
        y[(first + r) * down + c * across] =
            all + (bias == nullptr ? 0.0f : bias[(first + r) * bias_down + c * (1 - bias_down)]);
    }
}

}  // namespace
