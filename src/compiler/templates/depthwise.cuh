// Convolution with one input channel a group, in NCHW. A block makes tiles of several planes: what they read lies in
// shared memory, padded, and a thread makes ROWS results below each other, so that each value it reads serves several.
namespace {

// S has the sizes, PLANES tiles of TH x TW results to a block, all() tiles, ACROSS and DOWN tiles to a plane.
template <class S>
struct b_Tile {
  int64_t plane;
  int top, left;
  inline explicit b_Tile(unsigned at)
      : plane(at / (S::ACROSS * S::DOWN)),
        top(int(at / S::ACROSS % S::DOWN) * S::TH),
        left(int(at % S::ACROSS) * S::TW) {}
};

template <class S, class T>
inline void b_depthwise(const T* x, const T* w, const T* bias, T* y) {
  constexpr int IH = (S::TH - 1) * S::SH + (S::KH - 1) * S::DH + 1, IW = (S::TW - 1) * S::SW + (S::KW - 1) * S::DW + 1;
  constexpr int taps = S::KH * S::KW, lines = S::TH / S::ROWS, below = (S::ROWS - 1) * S::SH + (S::KH - 1) * S::DH + 1;
  __shared__ float in[S::PLANES * IH * IW];
  __shared__ float weights[S::PLANES * taps];
  const int t = int(threadIdx.x);
  const unsigned first = blockIdx.x * unsigned(S::PLANES);
  for (int i = t; i < S::PLANES * IH * IW; i += S::THREADS) {
    const unsigned at = first + unsigned(i / (IH * IW));
    if (at >= S::all()) break;
    const b_Tile<S> tile(at);
    const int r = tile.top * S::SH - S::PH + i / IW % IH, c = tile.left * S::SW - S::PW + i % IW;
    const int64_t source = tile.plane / S::OUTPUTS * S::CHANNELS + tile.plane % S::OUTPUTS / (S::OUTPUTS / S::CHANNELS);
    in[i] = r >= 0 && r < S::H && c >= 0 && c < S::W ? float(x[(source * S::H + r) * S::W + c]) : 0.0f;
  }
  for (int i = t; i < S::PLANES * taps; i += S::THREADS) {
    const unsigned at = first + unsigned(i / taps);
    if (at < S::all()) weights[i] = w[b_Tile<S>(at).plane % S::OUTPUTS * taps + i % taps];
  }
  __syncthreads();
  const int which = t / (S::TW * lines), line = t / S::TW % lines, column = t % S::TW;
  if (which >= S::PLANES || first + unsigned(which) >= S::all()) return;
  const b_Tile<S> tile(first + unsigned(which));
  const float* from = in + (which * IH + line * S::ROWS * S::SH) * IW + column * S::SW;
  const float* taken = weights + which * taps;
  float sum[S::ROWS];
#pragma unroll
  for (int r = 0; r < S::ROWS; ++r) sum[r] = bias == nullptr ? 0.0f : float(bias[tile.plane % S::OUTPUTS]);
#pragma unroll
  for (int k = 0; k < S::KW; ++k)
#pragma unroll
    for (int i = 0; i < below; ++i) {
      const float v = from[i * IW + k * S::DW];
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

}  // namespace
