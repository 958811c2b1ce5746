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

// A transposed convolution with kernel 4, stride 2, padding 1 is one product, pixels x (4 * 4 * channels), whose
// results are then added where they belong: each output pixel gets two rows and two columns of taps.

// The first layer's kernel covers its whole output: nothing overlaps.
extern "C" void shift_relu(int64_t begin, int64_t end, const float* in, const float* shift, float* out, int64_t n) {
  for (int64_t p = begin; p < end; ++p)
    for (int64_t c = 0; c < n; c += 16) {
      const v16 v = load(in + p * n + c) + load(shift + c);
      store(out + p * n + c, v < 0 ? v16{} : v);
    }
}

// A piece is output pixels: `taps` is [image][side][side][ky][kx][channels], `out` [image][2 side][2 side][channels].
extern "C" void gather(int64_t begin, int64_t end, const float* taps, const float* shift, float* out, int64_t side,
                       int64_t channels) {
  const int64_t wide = 2 * side;
  for (int64_t p = begin; p < end; ++p) {
    const int64_t image = p / (wide * wide), oy = p / wide % wide, ox = p % wide;
    const float* found[4];
    int count = 0;
    for (int64_t iy = (oy + 1) / 2 - 1; iy <= (oy + 1) / 2; ++iy) {
      for (int64_t ix = (ox + 1) / 2 - 1; ix <= (ox + 1) / 2; ++ix) {
        if (iy < 0 || iy >= side || ix < 0 || ix >= side) continue;
        const int64_t ky = oy + 1 - 2 * iy, kx = ox + 1 - 2 * ix;
        found[count++] = taps + (((image * side + iy) * side + ix) * 16 + ky * 4 + kx) * channels;
      }
    }
    for (int64_t c = 0; c < channels; c += 16) {
      v16 v = load(shift + c);
      for (int t = 0; t < count; ++t) v += load(found[t] + c);
      store(out + p * channels + c, v < 0 ? v16{} : v);
    }
  }
}

// The last layer has three channels, too few for vectors, so its product is transposed: [channel][ky][kx][pixel]. A
// piece is output rows; even and odd columns are sums of whole rows of sixteen.
extern "C" void picture(int64_t begin, int64_t end, const float* taps, float* out) {
  constexpr int64_t side = 16, wide = 32, images = 8, pixels = images * side * side;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / (3 * wide), channel = row / wide % 3, oy = row % wide;
    float even[side] = {}, odd[side] = {};
    for (int64_t iy = (oy + 1) / 2 - 1; iy <= (oy + 1) / 2; ++iy) {
      if (iy < 0 || iy >= side) continue;
      const float* t = taps + (channel * 16 + (oy + 1 - 2 * iy) * 4) * pixels + (image * side + iy) * side;
      for (int64_t i = 0; i < side; ++i) {
        even[i] += t[pixels + i];
        odd[i] += t[2 * pixels + i];
      }
      for (int64_t i = 1; i < side; ++i) even[i] += t[3 * pixels + i - 1];
      for (int64_t i = 0; i + 1 < side; ++i) odd[i] += t[i + 1];
    }
    store(even, tanh16(load(even)));
    store(odd, tanh16(load(odd)));
    for (int64_t i = 0; i < side; ++i) {
      out[row * wide + 2 * i] = even[i];
      out[row * wide + 2 * i + 1] = odd[i];
    }
  }
}
