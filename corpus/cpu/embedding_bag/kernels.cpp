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

constexpr int64_t dim = 32, dense_size = 13, bag = 8, tables = 6, columns = dim * (tables + 1);

void bottom(int64_t begin, int64_t end, const float* dense, const float* w, const float* b, float* y) {
  for (int64_t r = begin; r < end; ++r) {
    v16 low = load(b), high = load(b + 16);
    for (int64_t k = 0; k < dense_size; ++k) {
      const float x = dense[r * dense_size + k];
      low += x * load(w + k * dim);
      high += x * load(w + k * dim + 16);
    }
    store(y + r * columns, low < 0 ? v16{} : low);
    store(y + r * columns + 16, high < 0 ? v16{} : high);
  }
}

// A table is read by all rows of the piece before the next one is: 640 KB stay in the second-level cache.
void sums(int64_t begin, int64_t end, const int64_t* indices, const float* table, float* y, int64_t rows) {
  for (int64_t r = begin; r < end; ++r) {
    v16 low{}, high{};
    bool bad = false;
    for (int64_t k = 0; k < bag; ++k) {
      int64_t index = indices[r * bag + k];
      const bool outside = static_cast<uint64_t>(index) >= static_cast<uint64_t>(rows);
      bad |= outside;
      index = outside ? 0 : index;  // PyTorch raises; a kernel cannot, so such a bag is NaN
      low += load(table + index * dim);
      high += load(table + index * dim + 16);
    }
    if (bad) low = high = all(__builtin_nanf(""));
    store(y + r * columns, low);
    store(y + r * columns + 16, high);
  }
}

}  // namespace

extern "C" void bags(int64_t begin, int64_t end, const float* dense, const float* w, const float* b, const int64_t* i0,
                     const int64_t* i1, const int64_t* i2, const int64_t* i3, const int64_t* i4, const int64_t* i5,
                     const float* t0, const float* t1, const float* t2, const float* t3, const float* t4,
                     const float* t5, float* y, int64_t rows) {
  bottom(begin, end, dense, w, b, y);
  const int64_t* indices[tables] = {i0, i1, i2, i3, i4, i5};
  const float* table[tables] = {t0, t1, t2, t3, t4, t5};
  for (int64_t t = 0; t < tables; ++t) sums(begin, end, indices[t], table[t], y + (t + 1) * dim, rows);
}
