#include <cstdint>
#include <cstring>

// Sixteen floats; the compiler splits them where the machine's vectors are shorter.
typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));

static inline v16 load(const float* p) {
  v16 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
static inline void store(float* p, v16 v) {
  std::memcpy(p, &v, sizeof v);
}
static inline v16 all(float x) {
  return v16{} + x;
}

// e^x = 2^n * e^r with |r| <= ln(2)/2; the polynomial is that of Cephes, about 1 ulp. NaN stays NaN.
static inline v16 reduced(v16 x, v16& scale) {
  x = x > 88.3f ? all(88.3f) : x;
  x = x < -87.3f ? all(-87.3f) : x;
  const v16 shifted = x * 1.44269504f + 12582912.0f;  // rounds to a whole number in the low bits
  const v16 n = shifted - 12582912.0f;
  const i16 power = ((i16)shifted - 0x4b400000 + 127) << 23;
  scale = (v16)power;
  const v16 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  v16 p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 0.5f;
  return p * (r * r) + r;  // e^r - 1
}
static inline v16 exp16(v16 x) {
  v16 scale;
  const v16 p = reduced(x, scale);
  return p * scale + scale;
}
static inline v16 sigmoid16(v16 x) {
  return 1.0f / (1.0f + exp16(-x));
}
// Near 0 a polynomial, so that small values keep their relative precision; e^2x elsewhere.
static inline v16 tanh16(v16 x) {
  const v16 z = x * x;
  v16 p = all(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const v16 near = p * z * x + x;
  const v16 far = 1.0f - 2.0f / (exp16(x + x) + 1.0f);
  return z < 0.390625f ? near : far;
}

namespace {

constexpr int64_t channels = 64, length = 1024, tile = 64, halo = 4, tiles = length / tile, width = tile + halo;

// Two rows of each of two matrices times a block of `rows` rows of 64 columns: sixteen sums in registers.
// `a` and `b` have `rows` * `taps` values a row; tap t looks at the columns from t * halo on. Sixteen rows at a time
// are summed on their own: where tanh and the gate are steep a rounding error of one long sum shows at single steps of
// time.
template <int taps>
inline void products(const float* a, const float* b, const float* block, int64_t stride, v16 sums[4][4]) {
  constexpr int64_t depth = channels * taps, together = 16;
  for (int64_t from = 0; from < channels; from += together) {
    v16 part[4][4] = {};
    for (int64_t k = from; k < from + together; ++k) {
      for (int t = 0; t < taps; ++t) {
        const float* columns = block + k * stride + t * halo;
        const int64_t at = k * taps + t;
        const float w[4] = {a[at], a[depth + at], b[at], b[depth + at]};
        for (int c = 0; c < 4; ++c) {
          const v16 x = load(columns + 16 * c);
          for (int r = 0; r < 4; ++r) part[r][c] += w[r] * x;
        }
      }
    }
    for (int r = 0; r < 4; ++r)
      for (int c = 0; c < 4; ++c) sums[r][c] += part[r][c];
  }
}

inline void start(v16 sums[4][4], float a0, float a1, float b0, float b1) {
  for (int c = 0; c < 4; ++c) {
    sums[0][c] = all(a0);
    sums[1][c] = all(a1);
    sums[2][c] = all(b0);
    sums[3][c] = all(b1);
  }
}

}  // namespace

// A piece is 64 steps of time of one sequence: everything between input and outputs stays in the first-level cache.
extern "C" void block(int64_t begin, int64_t end, const float* x, const float* fw, const float* fb, const float* gw,
                      const float* gb, const float* rw, const float* rb, const float* sw, const float* sb, float* y,
                      float* skip) {
  alignas(64) float in[channels * width], z[channels * tile];
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t base = piece / tiles * channels * length, time = piece % tiles * tile;
    for (int64_t c = 0; c < channels; ++c) {
      const float* row = x + base + c * length + time;
      for (int64_t i = 0; i < halo; ++i) in[c * width + i] = time == 0 ? 0.0f : row[i - halo];
      std::memcpy(in + c * width + halo, row, tile * sizeof(float));
    }
    for (int64_t o = 0; o < channels; o += 2) {
      v16 sums[4][4];
      start(sums, fb[o], fb[o + 1], gb[o], gb[o + 1]);
      products<2>(fw + o * channels * 2, gw + o * channels * 2, in, width, sums);
      for (int r = 0; r < 2; ++r)
        for (int c = 0; c < 4; ++c) store(z + (o + r) * tile + 16 * c, tanh16(sums[r][c]) * sigmoid16(sums[r + 2][c]));
    }
    for (int64_t o = 0; o < channels; o += 2) {
      v16 sums[4][4];
      start(sums, rb[o], rb[o + 1], sb[o], sb[o + 1]);
      products<1>(rw + o * channels, sw + o * channels, z, tile, sums);
      for (int r = 0; r < 2; ++r) {
        const int64_t to = base + (o + r) * length + time;
        for (int c = 0; c < 4; ++c) {
          store(y + to + 16 * c, sums[r][c] + load(in + (o + r) * width + halo + 16 * c));
          store(skip + to + 16 * c, sums[r + 2][c]);
        }
      }
    }
  }
}
