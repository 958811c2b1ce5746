// Products of a large matrix with a few vectors: it is read once, by a warp or a block for some of its rows, and the
// vectors come from the caches.
namespace {

template <int COLUMNS, int ROWS>
inline void b_few_add(const float* a, const float* v, int64_t k, int64_t i, float (&sum)[ROWS][COLUMNS]) {
  b_four x[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; ++r) x[r] = b_load_four(a + r * k + i);
#pragma unroll
  for (int c = 0; c < COLUMNS; ++c) {
    const b_four y = b_load_four(v + c * k + i);
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
      for (int j = 0; j < 4; ++j) sum[r][c] += x[r][j] * y[j];
  }
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

}  // namespace
