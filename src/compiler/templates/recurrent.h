// Recurrent cells over a sequence. The hidden weights lie in panels of 16 units, [unit / 16][k][gate][16], so that one
// pass over k makes all gates of 16 units in registers, and the next state follows from them at once. The products with
// the inputs are made outside, for all steps together. Rows of the batch are independent: threads share nothing.
namespace {

enum b_recurrence { b_lstm, b_gru, b_rnn_tanh, b_rnn_relu };

constexpr int b_gates(b_recurrence kind) {
  return kind == b_lstm ? 4 : kind == b_gru ? 3 : 1;
}

// What one step reads and writes; strides are between rows of the batch.
struct b_state {
  const float* x;     // products with the inputs, [gate][hidden] a row
  const float* h;     // state before
  const float* c;     // LSTM: cell before
  const float* bias;  // [gate][hidden], or null
  float* out;         // state after
  float* cell;        // LSTM: cell after; may be c
  int64_t xs, hs, cs, os, cells;
};

template <int N>
inline void b_take(float (&to)[N], const float* from, int64_t count) {
  if (count == N) {
    for (int l = 0; l < N; ++l) to[l] = from[l];
  } else {
    for (int l = 0; l < N; ++l) to[l] = l < count ? from[l] : 0.0f;
  }
}

// 16 units of MR rows: w is their panel, `first` the first of them, `count` how many there are. Not inlined: among the
// constants of the loops around it the sums do not stay in registers (g++ 12; half the speed of an LSTM).
template <b_recurrence KIND, int MR>
__attribute__((noinline)) void b_units(const float* w, int64_t hidden, int64_t first, int64_t count, const b_state& s) {
  constexpr int G = b_gates(KIND);
  b_v16 acc[MR][G];
  for (int i = 0; i < MR; ++i)
    for (int g = 0; g < G; ++g) acc[i][g] = b_v16{};
  b_multiply<MR, G>(s.h, s.hs, 1, w, 16 * G, hidden, acc);
  for (int i = 0; i < MR; ++i) {
    alignas(64) float p[G][16], x[G][16], before[16], cell[16], next[16];
    for (int g = 0; g < G; ++g) {
      b_store(p[g], acc[i][g]);
      b_take(x[g], s.x + i * s.xs + g * hidden + first, count);
      if (s.bias != nullptr) {
        float bias[16];
        b_take(bias, s.bias + g * hidden + first, count);
        for (int l = 0; l < 16; ++l) p[g][l] += bias[l];
      }
    }
    if constexpr (KIND == b_lstm) {
      b_take(before, s.c + i * s.cs + first, count);
#pragma omp simd
      for (int l = 0; l < 16; ++l) {
        const float in = b_sigmoid(x[0][l] + p[0][l]), keep = b_sigmoid(x[1][l] + p[1][l]);
        cell[l] = keep * before[l] + in * b_tanh(x[2][l] + p[2][l]);
        next[l] = b_sigmoid(x[3][l] + p[3][l]) * b_tanh(cell[l]);
      }
    } else if constexpr (KIND == b_gru) {
      b_take(before, s.h + i * s.hs + first, count);
#pragma omp simd
      for (int l = 0; l < 16; ++l) {
        const float reset = b_sigmoid(x[0][l] + p[0][l]), keep = b_sigmoid(x[1][l] + p[1][l]);
        const float fresh = b_tanh(x[2][l] + reset * p[2][l]);
        next[l] = (before[l] - fresh) * keep + fresh;
      }
    } else {
#pragma omp simd
      for (int l = 0; l < 16; ++l) next[l] = KIND == b_rnn_tanh ? b_tanh(x[0][l] + p[0][l]) : b_relu(x[0][l] + p[0][l]);
    }
    for (int64_t l = 0; l < count; ++l) s.out[i * s.os + first + l] = next[l];
    if constexpr (KIND == b_lstm)
      for (int64_t l = 0; l < count; ++l) s.cell[i * s.cells + first + l] = cell[l];
  }
}

inline b_state b_rows_on(b_state s, int64_t rows) {
  s.x += rows * s.xs;
  s.h += rows * s.hs;
  if (s.c != nullptr) {
    s.c += rows * s.cs;
    s.cell += rows * s.cells;
  }
  s.out += rows * s.os;
  return s;
}

// One panel for all rows, MR of them at a time.
template <b_recurrence KIND, int MR>
inline void b_panel_step(const float* weights, int64_t hidden, int64_t panel, int64_t rows, const b_state& s) {
  const float* w = weights + panel * hidden * 16 * b_gates(KIND);
  const int64_t first = panel * 16, count = min(16, hidden - first);
  int64_t r = 0;
  for (; r + MR <= rows; r += MR) b_units<KIND, MR>(w, hidden, first, count, b_rows_on(s, r));
  if constexpr (MR > 4)
    for (; r + 4 <= rows; r += 4) b_units<KIND, 4>(w, hidden, first, count, b_rows_on(s, r));
  if constexpr (MR > 2)
    for (; r + 2 <= rows; r += 2) b_units<KIND, 2>(w, hidden, first, count, b_rows_on(s, r));
  for (; r < rows; ++r) b_units<KIND, 1>(w, hidden, first, count, b_rows_on(s, r));
}

// A whole sequence for some rows. xt and ot are the strides between steps; last (may be null) gets the final state. The
// cell lives in s.cell, which holds what s.c held before the first step.
template <b_recurrence KIND, int MR>
inline void b_sequence(const float* weights, int64_t hidden, int64_t steps, bool reverse, int64_t rows, b_state s,
                       int64_t xt, int64_t ot, float* last) {
  const int64_t panels = cdiv(hidden, int64_t(16)), x_step = reverse ? -xt : xt, o_step = reverse ? -ot : ot;
  if (reverse) {
    s.x += (steps - 1) * xt;
    s.out += (steps - 1) * ot;
  }
  for (int64_t t = 0; t < steps; ++t) {
    for (int64_t panel = 0; panel < panels; ++panel) b_panel_step<KIND, MR>(weights, hidden, panel, rows, s);
    s.h = s.out;
    s.hs = s.os;
    s.c = s.cell;
    s.cs = s.cells;
    s.x += x_step;
    s.out += o_step;
  }
  if (last != nullptr)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t l = 0; l < hidden; ++l) last[r * hidden + l] = s.h[r * s.hs + l];
}

}  // namespace
