#include "runtime/regions.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>

namespace burnish::regions {
namespace {

constexpr int address_bits = 47, region_bits = 21;  // user space of x86-64 and arm64 with the usual page tables
using Word = std::atomic<std::uint64_t>;

/// One bit a region: 8 MiB of which only touched pages exist. Null where even that cannot be had.
Word* bitmap() {
  static Word* const words = [] {
    constexpr std::size_t bytes = std::size_t{1} << (address_bits - region_bits - 3);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<Word*>(memory);
  }();
  return words;
}

std::uintptr_t number_of(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) >> region_bits;
}
std::size_t rounded(std::size_t bytes) {
  return (bytes + size - 1) / size * size;
}

void mark(void* address, std::size_t bytes, bool owned) {
  const auto first = number_of(address);
  for (auto region = first; region < first + bytes / size; ++region) {
    const std::uint64_t bit = std::uint64_t{1} << (region % 64);
    if (owned)
      bitmap()[region / 64].fetch_or(bit, std::memory_order_relaxed);
    else
      bitmap()[region / 64].fetch_and(~bit, std::memory_order_relaxed);
  }
}

}  // namespace

void* map(std::size_t bytes) {
  if (!bitmap() || bytes > (std::size_t{1} << 46)) return nullptr;
  const std::size_t wanted = rounded(bytes), taken = wanted + size;
  void* memory = mmap(nullptr, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory), aligned = (begin + size - 1) / size * size;
  if (aligned > begin) munmap(memory, aligned - begin);
  if (const auto end = begin + taken; end > aligned + wanted)
    munmap(reinterpret_cast<void*>(aligned + wanted), end - aligned - wanted);
  void* address = reinterpret_cast<void*>(aligned);
  if ((aligned + wanted) >> address_bits) {
    munmap(address, wanted);
    return nullptr;
  }
  madvise(address, wanted, MADV_HUGEPAGE);  // a hint: fewer page faults and TLB misses
  mark(address, wanted, true);
  return address;
}

void unmap(void* address, std::size_t bytes) {
  mark(address, rounded(bytes), false);
  munmap(address, rounded(bytes));
}

bool owns(const void* address) {
  const auto region = number_of(address);
  if (region >> (address_bits - region_bits) || !bitmap()) return false;
  return bitmap()[region / 64].load(std::memory_order_relaxed) >> (region % 64) & 1;
}

}  // namespace burnish::regions
