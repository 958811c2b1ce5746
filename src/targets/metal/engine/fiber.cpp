#include "targets/metal/engine/fiber.h"

#include <sys/mman.h>

namespace burnish::metal {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t stacks_a_block = 64;

}  // namespace

// The System V ABI's callee-saved registers; floating-point control words never change here.
asm(R"(
.text
.globl mtl_switch
.hidden mtl_switch
.type mtl_switch, @function
mtl_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size mtl_switch, .-mtl_switch
.globl mtl_fiber_start
.hidden mtl_fiber_start
.type mtl_fiber_start, @function
mtl_fiber_start:
  movq %r12, %rdi
  xorl %ebp, %ebp
  callq *%r13
  ud2
.size mtl_fiber_start, .-mtl_fiber_start
)");
extern "C" void mtl_fiber_start();

Stacks::~Stacks() {
  for (char* block : blocks_) munmap(block, stacks_a_block * (bytes_ + page));
}

char* Stacks::take() {
  if (free_.empty()) {
    const auto size = stacks_a_block * (bytes_ + page);
    void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    blocks_.push_back(static_cast<char*>(block));
    for (std::size_t i = stacks_a_block; i-- > 0;) {
      char* guard = blocks_.back() + i * (bytes_ + page);
      mprotect(guard, page, PROT_NONE);
      free_.push_back(guard + page);
    }
  }
  char* low = free_.back();
  free_.pop_back();
  return low;
}

void* prepare(char* low, std::size_t bytes, void (*start)(void*), void* argument) {
  auto* top = reinterpret_cast<void**>(low + bytes);
  top -= 2;  // the ABI wants 16 bytes' alignment at the call
  *--top = reinterpret_cast<void*>(&mtl_fiber_start);
  *--top = nullptr;                         // rbp
  *--top = nullptr;                         // rbx
  *--top = argument;                        // r12
  *--top = reinterpret_cast<void*>(start);  // r13
  *--top = nullptr;                         // r14
  *--top = nullptr;                         // r15
  return top;
}

}  // namespace burnish::metal
