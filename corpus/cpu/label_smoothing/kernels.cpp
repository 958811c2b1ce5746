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

// The loss of a row from three numbers: log(sum(exp(x))), the mean of x, and x at the target. The log-probabilities
// themselves (16 MB) are never written. The row's first pass brings it into the first-level cache; while the second
// one computes exponentials the next row is already asked for.
extern "C" void row_losses(int64_t begin, int64_t end, const float* logits, const int64_t* target, float* losses,
                           int64_t rows, int64_t n, int64_t ignored, float smoothing) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = logits + r * n;
    v16 top[4] = {all(-INFINITY), all(-INFINITY), all(-INFINITY), all(-INFINITY)}, total[4] = {};
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
      for (int k = 0; k < 4; ++k) {
        const v16 v = load(x + i + 16 * k);
        top[k] = v > top[k] ? v : top[k];
        total[k] += v;
      }
    }
    float most = -INFINITY, rest = 0;
    for (int k = 0; k < 4; ++k)
      for (int j = 0; j < 16; ++j) most = top[k][j] > most ? top[k][j] : most;
    for (int64_t j = i; j < n; ++j) {
      most = x[j] > most ? x[j] : most;
      rest += x[j];
    }
    const float mean = (sum((total[0] + total[1]) + (total[2] + total[3])) + rest) / static_cast<float>(n);

    const float* next = r + 1 < rows ? x + n : x;
    v16 parts[4] = {};
    for (i = 0; i + 64 <= n; i += 64) {
      for (int k = 0; k < 4; ++k) {
        __builtin_prefetch(next + i + 16 * k);
        parts[k] += exp16(load(x + i + 16 * k) - most);
      }
    }
    float sum_of_exp = sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
    for (; i < n; ++i) sum_of_exp += std::exp(x[i] - most);

    const int64_t wanted = target[r];
    const bool keep = wanted != ignored;
    const int64_t index = keep ? wanted : 0;
    const float log_sum = std::log(sum_of_exp);
    // PyTorch raises where a target is outside; a kernel cannot, so the loss is NaN.
    const float chosen = index >= 0 && index < n ? x[index] : NAN;
    const float nll = (most - chosen) + log_sum, smooth = (most - mean) + log_sum;
    losses[r] = ((1.0f - smoothing) * nll + smoothing * smooth) * (keep ? 1.0f : 0.0f);
  }
}

extern "C" void mean_loss(int64_t, int64_t, const float* losses, const int64_t* target, float* y, int64_t rows,
                          int64_t ignored) {
  double total = 0;
  int64_t kept = 0;
  for (int64_t r = 0; r < rows; ++r) {
    total += losses[r];
    kept += target[r] != ignored;
  }
  *y = static_cast<float>(total) / static_cast<float>(kept);
}
