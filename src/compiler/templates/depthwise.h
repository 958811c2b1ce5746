// Depthwise convolution in NCHW: the rows of one plane that a row of results needs lie padded in a ring; results are
// computed 64 at a time in registers, all taps over them.
namespace {

template <int KH, int KW, int SH, int SW, int DH, int DW, int PH, int PW>
inline void b_depthwise(const float* x, const float* w, float bias, float* y, int64_t h, int64_t width, int64_t oh,
                        int64_t ow, float* ring, int64_t pitch) {
  constexpr int span = (KH - 1) * DH + 1;
  int64_t loaded = -PH;  // next input row to put into the ring
  for (int64_t r = 0; r < oh; ++r) {
    const int64_t top = r * SH - PH;
    if (loaded < top) loaded = top;
    for (; loaded < top + span; ++loaded) {
      float* row = ring + ((loaded + PH) % span) * pitch;
      if (loaded < 0 || loaded >= h) {
        for (int64_t i = 0; i < pitch; ++i) row[i] = 0;
        continue;
      }
      for (int i = 0; i < PW; ++i) row[i] = 0;
      for (int64_t i = 0; i < width; ++i) row[PW + i] = x[loaded * width + i];
      for (int64_t i = PW + width; i < pitch; ++i) row[i] = 0;
    }
    const float* rows[KH];
    for (int i = 0; i < KH; ++i) rows[i] = ring + ((top + i * DH + PH) % span) * pitch;
    for (int64_t c = 0; c < ow; c += 64) {
      float out[64];
      if constexpr (SW == 1) {
        b_v16 acc[4];
        for (int j = 0; j < 4; ++j) acc[j] = b_v16{} + bias;
        for (int i = 0; i < KH; ++i)
          for (int k = 0; k < KW; ++k) {
            const float tap = w[i * KW + k];
            for (int j = 0; j < 4; ++j) acc[j] += tap * b_load(rows[i] + c + k * DW + 16 * j);
          }
        for (int j = 0; j < 4; ++j) b_store(out + 16 * j, acc[j]);
      } else {
        for (int l = 0; l < 64; ++l) out[l] = bias;
        for (int i = 0; i < KH; ++i)
          for (int k = 0; k < KW; ++k) {
            const float tap = w[i * KW + k];
#pragma omp simd
            for (int l = 0; l < 64; ++l) out[l] += tap * rows[i][(c + l) * SW + k * DW];
          }
      }
      const int64_t count = min(64, ow - c);
      for (int64_t l = 0; l < count; ++l) y[r * ow + c + l] = out[l];
    }
  }
}

}  // namespace
