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

namespace {

constexpr int64_t channels = 128, side = 56, plane = side * side, padded = 64;

inline v16 relu6(v16 v) {
  v = v < 0 ? v16{} : v;
  return v > 6.0f ? all(6.0f) : v;
}

// One row of a channel's 3x3 convolution into `out`, 64 columns of which 56 count.
void depthwise(const float* x, int64_t y, const float* w, float shift, float* out) {
  alignas(64) float rows[3][padded + 16];  // column -1 at index 15
  for (int k = 0; k < 3; ++k) {
    const int64_t from = y + k - 1;
    std::memset(rows[k], 0, sizeof rows[k]);
    if (from >= 0 && from < side) std::memcpy(rows[k] + 16, x + from * side, side * sizeof(float));
  }
  for (int64_t i = 0; i < padded; i += 16) {
    v16 v = all(shift);
    for (int k = 0; k < 3; ++k) {
      const float* row = rows[k] + 15 + i;
      v16 last{};
      if (i + 16 < padded)
        last = load(row + 2);
      else
        std::memcpy(&last, row + 2, 15 * sizeof(float));  // the last column of all is no one's neighbour
      v += w[3 * k] * load(row) + w[3 * k + 1] * load(row + 1) + w[3 * k + 2] * last;
    }
    store(out + i, relu6(v));
  }
}

}  // namespace

// A piece is rows of an image. A row of all channels after the depthwise convolution (32 KB) never leaves the
// first-level cache; the product with the pointwise weights reads it from there, four output channels at a time in
// registers.
extern "C" void separable(int64_t begin, int64_t end, const float* x, const float* wd, const float* sd, const float* wp,
                          const float* sp, float* y) {
  alignas(64) float middle[channels * padded];
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t image = piece / side, row = piece % side;
    for (int64_t c = 0; c < channels; ++c)
      depthwise(x + (image * channels + c) * plane, row, wd + 9 * c, sd[c], middle + c * padded);
    for (int64_t o = 0; o < channels; o += 4) {
      v16 sums[4][4];
      for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 4; ++c) sums[r][c] = all(sp[o + r]);
      for (int64_t k = 0; k < channels; ++k) {
        for (int c = 0; c < 4; ++c) {
          const v16 v = load(middle + k * padded + 16 * c);
          for (int r = 0; r < 4; ++r) sums[r][c] += wp[(o + r) * channels + k] * v;
        }
      }
      for (int r = 0; r < 4; ++r) {
        float* out = y + (image * channels + o + r) * plane + row * side;
        for (int c = 0; c < 3; ++c) store(out + 16 * c, relu6(sums[r][c]));
        const v16 last = relu6(sums[r][3]);
        std::memcpy(out + 48, &last, 8 * sizeof(float));
      }
    }
  }
}
