// Convolution with one input channel a group, in NCHW. A threadgroup makes tiles of several planes: what they read lies
// in threadgroup memory, padded, and a thread makes ROWS results below each other, so that each value it reads serves
// several.

// S has the sizes, PLANES tiles of TH x TW results to a threadgroup, all() tiles, ACROSS and DOWN tiles to a plane, a
// tile's input of IH x IW.
template <class S>
struct b_Tile {
  long plane;
  int top, left;
  inline explicit b_Tile(uint at)
      : plane(long(at / (S::ACROSS * S::DOWN))),
        top(int(at / S::ACROSS % S::DOWN) * S::TH),
        left(int(at % S::ACROSS) * S::TW) {}
};

// `in` has PLANES * IH * IW places, `weights` PLANES * KH * KW; without BIAS `bias` is not read.
template <class S>
inline void b_depthwise(device const float* x, device const float* w, device const float* bias, device float* y,
                        threadgroup float* in, threadgroup float* weights, uint group, int t) {
  constexpr int taps = S::KH * S::KW, lines = S::TH / S::ROWS, below = (S::ROWS - 1) * S::SH + (S::KH - 1) * S::DH + 1;
  const uint first = group * uint(S::PLANES);
  for (int i = t; i < S::PLANES * S::IH * S::IW; i += S::THREADS) {
    const uint at = first + uint(i / (S::IH * S::IW));
    if (at >= S::all()) break;
    const b_Tile<S> tile(at);
    const int r = tile.top * S::SH - S::PH + i / S::IW % S::IH, c = tile.left * S::SW - S::PW + i % S::IW;
    const long source = tile.plane / S::OUTPUTS * S::CHANNELS + tile.plane % S::OUTPUTS / (S::OUTPUTS / S::CHANNELS);
    in[i] = r >= 0 && r < S::H && c >= 0 && c < S::W ? x[(source * S::H + r) * S::W + c] : 0.0f;
  }
  for (int i = t; i < S::PLANES * taps; i += S::THREADS) {
    const uint at = first + uint(i / taps);
    if (at < S::all()) weights[i] = w[b_Tile<S>(at).plane % S::OUTPUTS * taps + i % taps];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const int which = t / (S::TW * lines), line = t / S::TW % lines, column = t % S::TW;
  if (which >= S::PLANES || first + uint(which) >= S::all()) return;
  const b_Tile<S> tile(first + uint(which));
  threadgroup const float* from = in + (which * S::IH + line * S::ROWS * S::SH) * S::IW + column * S::SW;
  threadgroup const float* taken = weights + which * taps;
  float sum[S::ROWS];
#pragma unroll
  for (int r = 0; r < S::ROWS; ++r) sum[r] = S::BIAS ? bias[tile.plane % S::OUTPUTS] : 0.0f;
#pragma unroll
  for (int k = 0; k < S::KW; ++k)
#pragma unroll
    for (int i = 0; i < below; ++i) {
      const float v = from[i * S::IW + k * S::DW];
#pragma unroll
      for (int r = 0; r < S::ROWS; ++r) {
        const int tap = i - r * S::SH;  // known when this is compiled, as all around it
        if (tap >= 0 && tap % S::DH == 0 && tap / S::DH < S::KH) sum[r] += taken[tap / S::DH * S::KW + k] * v;
      }
    }
#pragma unroll
  for (int r = 0; r < S::ROWS; ++r) {
    const int row = tile.top + line * S::ROWS + r, at = tile.left + column;
    if (row < S::OH && at < S::OW) y[(tile.plane * S::OH + row) * S::OW + at] = sum[r];
  }
}
