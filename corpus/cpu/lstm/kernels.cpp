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

constexpr int64_t features = 64, hidden = 128, steps = 48, depth = features + hidden, blocks = hidden / 16;

// All steps of `rows` sequences. The weights are packed as [block of 16 units][input or hidden value][gate][unit], so
// the sixteen sums of four sequences and four gates stay in registers and the cell's update follows at once.
template <int rows>
void run(const float* x, const float* packed, const float* bias, float* last) {
  alignas(64) float h[2][rows][hidden] = {}, cell[rows][hidden] = {};
  for (int64_t t = 0; t < steps; ++t) {
    const auto& before = h[t % 2];
    auto& after = h[(t + 1) % 2];
    for (int64_t b = 0; b < blocks; ++b) {
      const float* w = packed + b * depth * 64;
      v16 sums[rows][4];
      for (int r = 0; r < rows; ++r)
        for (int g = 0; g < 4; ++g) sums[r][g] = load(bias + g * hidden + b * 16);
      for (int64_t k = 0; k < features; ++k, w += 64)
        for (int g = 0; g < 4; ++g) {
          const v16 v = load(w + 16 * g);
          for (int r = 0; r < rows; ++r) sums[r][g] += x[(r * steps + t) * features + k] * v;
        }
      for (int64_t k = 0; k < hidden; ++k, w += 64)
        for (int g = 0; g < 4; ++g) {
          const v16 v = load(w + 16 * g);
          for (int r = 0; r < rows; ++r) sums[r][g] += before[r][k] * v;
        }
      for (int r = 0; r < rows; ++r) {
        const v16 c = sigmoid16(sums[r][1]) * load(cell[r] + b * 16) + sigmoid16(sums[r][0]) * tanh16(sums[r][2]);
        store(cell[r] + b * 16, c);
        store(after[r] + b * 16, sigmoid16(sums[r][3]) * tanh16(c));
      }
    }
  }
  std::memcpy(last, h[steps % 2], sizeof h[0]);
}

}  // namespace

extern "C" void lstm(int64_t begin, int64_t end, const float* x, const float* packed, const float* bias, float* last) {
  int64_t r = begin;
  for (; r + 4 <= end; r += 4) run<4>(x + r * steps * features, packed, bias, last + r * hidden);
  for (; r < end; ++r) run<1>(x + r * steps * features, packed, bias, last + r * hidden);
}
