// Max and average pooling over one to three dimensions: rows of input are combined downwards first, side by side, then
// along the row.
namespace {

template <bool MAX>
inline float b_pool_join(float a, float b) {
  if constexpr (MAX) return b_max(a, b);
  return a + b;
}

struct b_PoolSize {
  int64_t d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw;
  bool count_padding;
  int64_t divisor;
};

// One plane set (one channel of one image); `line` holds a padded row of d * h joined ones.
template <bool MAX, int KW, int SW, int DW>
inline void b_pool(const float* x, float* y, const b_PoolSize& s, float* line) {
  const float none = MAX ? -b_inf : 0.0f;
  for (int64_t z = 0; z < s.od; ++z)
    for (int64_t r = 0; r < s.oh; ++r) {
      const int64_t pitch = s.w + 2 * s.pw;
      bool first = true;
      for (int64_t a = 0; a < s.kd; ++a) {
        const int64_t iz = z * s.sd - s.pd + a * s.dd;
        if (iz < 0 || iz >= s.d) continue;
        for (int64_t b = 0; b < s.kh; ++b) {
          const int64_t iy = r * s.sh - s.ph + b * s.dh;
          if (iy < 0 || iy >= s.h) continue;
          const float* row = x + (iz * s.h + iy) * s.w;
          float* to = line + s.pw;
          if (first) {
            for (int64_t i = 0; i < s.w; ++i) to[i] = row[i];
          } else {
#pragma omp simd
            for (int64_t i = 0; i < s.w; ++i) to[i] = b_pool_join<MAX>(row[i], to[i]);
          }
          first = false;
        }
      }
      if (first)
        for (int64_t i = 0; i < s.w; ++i) line[s.pw + i] = none;
      for (int64_t i = 0; i < s.pw; ++i) line[i] = line[pitch - 1 - i] = none;
      for (int64_t i = pitch; i < pitch + 64; ++i) line[i] = none;
      float* out = y + (z * s.oh + r) * s.ow;
#pragma omp simd
      for (int64_t o = 0; o < s.ow; ++o) out[o] = line[o * SW];
      for (int k = 1; k < KW; ++k) {  // outside: as an inner loop it kept g++ from vectorising at all
#pragma omp simd
        for (int64_t o = 0; o < s.ow; ++o) out[o] = b_pool_join<MAX>(line[o * SW + k * DW], out[o]);
      }
      if constexpr (!MAX) {
        const auto extent = [&](int64_t at, int64_t k, int64_t pad, int64_t n) {
          const int64_t from = at - pad, to = min(from + k, n + pad);
          return s.count_padding ? to - from : min(to, n) - max(from, 0);
        };
        const int64_t others = extent(z * s.sd, s.kd, s.pd, s.d) * extent(r * s.sh, s.kh, s.ph, s.h);
        for (int64_t o = 0; o < s.ow; ++o)
          out[o] /= float(s.divisor > 0 ? s.divisor : others * extent(o * s.sw, KW, s.pw, s.w));
      }
    }
}

}  // namespace
