// Elements of 16 bits in memory; in registers their values are floats. Stores round to the nearest, ties to even. What
// is here is the device's own: tests on a host put cuda_on_host.h in its place.
struct b_half {
  uint16_t bits;
  b_half() = default;
  inline b_half(float x) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  }
  inline operator float() const {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
  }
};
struct b_bfloat {
  uint16_t bits;
  b_bfloat() = default;
  inline b_bfloat(float x) {
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  }
  inline operator float() const {
    return b_bits<float>(uint32_t(bits) << 16);
  }
};
