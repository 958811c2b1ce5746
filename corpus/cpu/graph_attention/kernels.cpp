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

namespace {

constexpr int64_t nodes = 800, hidden = 64;

// e^x - 1 where x <= 0, with the relative precision of small values.
inline v16 elu16(v16 x) {
  v16 scale;
  const v16 p = reduced(x, scale);
  return x > 0 ? x : p * scale + (scale - 1.0f);
}

}  // namespace

extern "C" void scores(int64_t begin, int64_t end, const float* wh, const float* a, float* s, int64_t count) {
  for (int64_t i = begin; i < end; ++i) {
    v16 source{}, target{};
    for (int64_t k = 0; k < hidden; k += 16) {
      const v16 v = load(wh + i * hidden + k);
      source += v * load(a + k);
      target += v * load(a + hidden + k);
    }
    s[i] = sum(source);
    s[count + i] = sum(target);
  }
}

// Only neighbours are looked at: a masked entry's weight is exp(-9e15 - top), which is 0 beside any neighbour's. A node
// without neighbours has equal weights for all, as the module gives it.
extern "C" void attend(int64_t begin, int64_t end, const float* wh, const float* s, const float* adjacency, float* y,
                       float slope) {
  int32_t list[nodes];
  alignas(64) float weight[nodes + 16];
  for (int64_t i = begin; i < end; ++i) {
    const float* row = adjacency + i * nodes;
    int64_t n = 0;
    for (int64_t j = 0; j < nodes; j += 16) {
      const i16 found = load(row + j) > 0;
      int64_t halves[8];
      std::memcpy(halves, &found, sizeof found);
      if (!((halves[0] | halves[1] | halves[2] | halves[3]) | (halves[4] | halves[5] | halves[6] | halves[7])))
        continue;
      for (int64_t k = j; k < j + 16; ++k) {
        list[n] = static_cast<int32_t>(k);
        n += row[k] > 0;
      }
    }
    float top = -9e15f;
    if (n == 0) {
      for (; n < nodes; ++n) {
        list[n] = static_cast<int32_t>(n);
        weight[n] = top;
      }
    } else {
      top = -__builtin_inff();
      for (int64_t k = 0; k < n; ++k) {
        const float e = s[i] + s[nodes + list[k]];
        weight[k] = e > 0 ? e : slope * e;
        top = weight[k] > top ? weight[k] : top;
      }
    }
    for (int64_t k = n; k < (n + 15) / 16 * 16; ++k) weight[k] = -__builtin_inff();
    v16 total{};
    for (int64_t k = 0; k < n; k += 16) {
      v16 w = exp16(load(weight + k) - top);
      for (int64_t j = n - k; j < 16; ++j) w[j] = 0;
      store(weight + k, w);
      total += w;
    }
    const float scale = 1.0f / sum(total);
    v16 out[4] = {};
    for (int64_t k = 0; k < n; ++k) {
      const float* v = wh + list[k] * hidden;
      for (int c = 0; c < 4; ++c) out[c] += weight[k] * load(v + 16 * c);
    }
    for (int c = 0; c < 4; ++c) store(y + i * hidden + 16 * c, elu16(out[c] * scale));
  }
}
