#include <metal_stdlib>
using namespace metal;

enum class Op : int { add, subtract, negate };
float run(Op op, float a, float b) {
  switch (op) {
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    default: return -a;
  }
}
kernel void k(device const float* a, device const float* b, device float* out, uint i [[thread_position_in_grid]]) {
  out[i] = run(static_cast<Op>(int(i % 3)), a[i], b[i]);
}
