// A constant expression that takes for ever.
#include <cmath>
#include <cstdint>
constexpr unsigned long spin(unsigned long n) {
  unsigned long r = 1;
  for (unsigned long i = 0; i < n; ++i)
    for (unsigned long k = 0; k < 200000; ++k) r = r * 31 + (k ^ i);
  return r;
}
constexpr unsigned long r0 = spin(140);
constexpr unsigned long r1 = spin(141);
constexpr unsigned long r2 = spin(142);
constexpr unsigned long r3 = spin(143);
constexpr unsigned long r4 = spin(144);
constexpr unsigned long r5 = spin(145);
constexpr unsigned long r6 = spin(146);
constexpr unsigned long r7 = spin(147);
constexpr unsigned long r8 = spin(148);
constexpr unsigned long r9 = spin(149);
constexpr unsigned long r10 = spin(150);
constexpr unsigned long r11 = spin(151);
constexpr unsigned long r12 = spin(152);
constexpr unsigned long r13 = spin(153);
constexpr unsigned long r14 = spin(154);
constexpr unsigned long r15 = spin(155);
constexpr unsigned long r16 = spin(156);
constexpr unsigned long r17 = spin(157);
constexpr unsigned long r18 = spin(158);
constexpr unsigned long r19 = spin(159);
constexpr unsigned long r20 = spin(160);
constexpr unsigned long r21 = spin(161);
constexpr unsigned long r22 = spin(162);
constexpr unsigned long r23 = spin(163);
constexpr unsigned long r24 = spin(164);
constexpr unsigned long r25 = spin(165);
constexpr unsigned long r26 = spin(166);
constexpr unsigned long r27 = spin(167);
constexpr unsigned long r28 = spin(168);
constexpr unsigned long r29 = spin(169);
constexpr unsigned long r30 = spin(170);
constexpr unsigned long r31 = spin(171);
constexpr unsigned long r32 = spin(172);
constexpr unsigned long r33 = spin(173);
constexpr unsigned long r34 = spin(174);
constexpr unsigned long r35 = spin(175);
constexpr unsigned long r36 = spin(176);
constexpr unsigned long r37 = spin(177);
constexpr unsigned long r38 = spin(178);
constexpr unsigned long r39 = spin(179);
extern "C" void gelu(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = 0.5f * h[i] * (1.0f + std::erf(h[i] * 0.70710678f));
}
