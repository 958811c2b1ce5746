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

constexpr int64_t hidden = 96, steps = 32, batch = 8, rows = 4, blocks = hidden / 16, gates = 3;

// One direction of a layer for four sequences, all steps. The weights are packed as [block of 16 units][input or hidden
// value][gate][unit]: four sums (reset, update, new of the input, new of the hidden state) for each of four sequences
// stay in registers, and the cell's update follows at once.
template <int features>
void run(const float* x, const float* packed, const float* bi, const float* bh, bool backwards, float* y, float* last) {
  alignas(64) float h[2][rows][hidden] = {};
  for (int64_t s = 0; s < steps; ++s) {
    const int64_t t = backwards ? steps - 1 - s : s;
    const auto& before = h[s % 2];
    auto& after = h[(s + 1) % 2];
    for (int64_t b = 0; b < blocks; ++b) {
      const float* w = packed + b * (features + hidden) * gates * 16;
      v16 reset[rows], update[rows], in[rows], own[rows];
      for (int r = 0; r < rows; ++r) {
        reset[r] = load(bi + b * 16) + load(bh + b * 16);
        update[r] = load(bi + hidden + b * 16) + load(bh + hidden + b * 16);
        in[r] = load(bi + 2 * hidden + b * 16);
        own[r] = load(bh + 2 * hidden + b * 16);
      }
      for (int64_t k = 0; k < features; ++k, w += gates * 16) {
        const v16 wr = load(w), wz = load(w + 16), wn = load(w + 32);
        for (int r = 0; r < rows; ++r) {
          const float value = x[(r * steps + t) * features + k];
          reset[r] += value * wr;
          update[r] += value * wz;
          in[r] += value * wn;
        }
      }
      for (int64_t k = 0; k < hidden; ++k, w += gates * 16) {
        const v16 wr = load(w), wz = load(w + 16), wn = load(w + 32);
        for (int r = 0; r < rows; ++r) {
          const float value = before[r][k];
          reset[r] += value * wr;
          update[r] += value * wz;
          own[r] += value * wn;
        }
      }
      for (int r = 0; r < rows; ++r) {
        const v16 fresh = tanh16(in[r] + sigmoid16(reset[r]) * own[r]);
        const v16 next = fresh + sigmoid16(update[r]) * (load(before[r] + b * 16) - fresh);
        store(after[r] + b * 16, next);
        store(y + (r * steps + t) * 2 * hidden + b * 16, next);
      }
    }
  }
  std::memcpy(last, h[steps % 2], sizeof h[0]);
}

// A piece is a direction and four of the eight sequences.
template <int features>
void layer(int64_t begin, int64_t end, const float* x, const float* packed, const float* bias, float* y, float* last) {
  for (int64_t piece = begin; piece < end; ++piece) {
    const int64_t direction = piece / 2, first = piece % 2 * rows;
    const float* biases = bias + direction * 2 * gates * hidden;
    run<features>(x + first * steps * features, packed + direction * gates * hidden * (features + hidden), biases,
                  biases + gates * hidden, direction == 1, y + first * steps * 2 * hidden + direction * hidden,
                  last + (direction * batch + first) * hidden);
  }
}

}  // namespace

extern "C" void gru64(int64_t begin, int64_t end, const float* x, const float* packed, const float* bias, float* y,
                      float* last) {
  layer<64>(begin, end, x, packed, bias, y, last);
}

extern "C" void gru192(int64_t begin, int64_t end, const float* x, const float* packed, const float* bias, float* y,
                       float* last) {
  layer<192>(begin, end, x, packed, bias, y, last);
}
