#include <cmath>
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
static inline float sum(v16 v) {
  float parts[16], total = 0;
  store(parts, v);
  for (int step = 8; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) parts[i] += parts[i + step];
  return total + parts[0];
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

namespace {

constexpr int64_t channels = 128, groups = 32, in_group = channels / groups, side = 32, plane = side * side,
                  wide = side + 2;

}  // namespace

// A piece is groups of an image. The result has a border of zeros, so that the convolution needs no conditions.
extern "C" void norm_silu(int64_t begin, int64_t end, const float* x, const float* g, const float* b, float* padded) {
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t group = piece % groups;
    const float* in = x + piece * in_group * plane;
    constexpr int64_t n = in_group * plane;
    v16 parts[4] = {};
    for (int64_t i = 0; i < n; i += 64)
      for (int k = 0; k < 4; ++k) parts[k] += load(in + i + 16 * k);
    const float mean = sum((parts[0] + parts[1]) + (parts[2] + parts[3])) / n;
    v16 squares[4] = {};
    for (int64_t i = 0; i < n; i += 64)
      for (int k = 0; k < 4; ++k) {
        const v16 d = load(in + i + 16 * k) - mean;
        squares[k] += d * d;
      }
    const float variance = sum((squares[0] + squares[1]) + (squares[2] + squares[3])) / n;
    const float scale = 1.0f / std::sqrt(variance + 1e-5f);
    for (int64_t c = 0; c < in_group; ++c) {
      const float by = scale * g[group * in_group + c], bias = b[group * in_group + c];
      float* out = padded + (piece * in_group + c) * wide * wide;
      std::memset(out, 0, wide * sizeof(float));
      std::memset(out + (wide - 1) * wide, 0, wide * sizeof(float));
      for (int64_t y = 0; y < side; ++y) {
        float* row = out + (y + 1) * wide;
        row[0] = row[wide - 1] = 0;
        for (int64_t i = 0; i < side; i += 16) {
          const v16 v = (load(in + c * plane + y * side + i) - mean) * by + bias;
          store(row + 1 + i, v * sigmoid16(v));
        }
      }
    }
  }
}

// Both convolutions are one (`prepare` multiplied their weights): [input channel][ky][kx][8]. A piece is rows of an
// image: the sixteen sums of eight channels and 32 columns stay in registers, and all that follows is done on them.
extern "C" void moments(int64_t begin, int64_t end, const float* padded, const float* w, const float* bias,
                        const float* noise, float* sample, float* mean, float* logvar, float* parts) {
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t image = piece / side, y = piece % side;
    v16 sums[8][2];
    for (int o = 0; o < 8; ++o) sums[o][0] = sums[o][1] = all(bias[o]);
    const float* weights = w;
    for (int64_t c = 0; c < channels; ++c) {
      const float* in = padded + ((image * channels + c) * wide + y) * wide;
      for (int ky = 0; ky < 3; ++ky) {
        for (int kx = 0; kx < 3; ++kx, weights += 8) {
          const v16 left = load(in + ky * wide + kx), right = load(in + ky * wide + kx + 16);
          for (int o = 0; o < 8; ++o) {
            sums[o][0] += weights[o] * left;
            sums[o][1] += weights[o] * right;
          }
        }
      }
    }
    v16 total{};
    for (int64_t o = 0; o < 4; ++o) {
      for (int64_t i = 0; i < 2; ++i) {
        const int64_t at = (image * 4 + o) * plane + y * side + 16 * i;
        const v16 m = sums[o][i];
        v16 l = sums[o + 4][i];
        l = l < -30.0f ? all(-30.0f) : l;
        l = l > 20.0f ? all(20.0f) : l;
        store(mean + at, m);
        store(logvar + at, l);
        store(sample + at, m + exp16(0.5f * l) * load(noise + at));
        total += m * m + exp16(l) - 1.0f - l;
      }
    }
    parts[piece] = sum(total);
  }
}

extern "C" void divergence(int64_t, int64_t, const float* parts, float* kl) {
  for (int64_t image = 0; image < 2; ++image)
    kl[image] = 0.5f * sum(load(parts + image * side) + load(parts + image * side + 16));
}
