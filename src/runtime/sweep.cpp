#include "runtime/sweep.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "base/files.h"

namespace burnish {
namespace {

/// Bytes of the last level of cache that one core can use, by /sys: of a machine with many core complexes sysconf gives
/// all of theirs together. 0 if unknown.
long last_level_bytes() {
  const auto text = read_file("/sys/devices/system/cpu/cpu0/cache/index3/size");
  if (!text) return 0;
  const long size = std::atol(text->c_str());
  return text->contains('K') ? size << 10 : text->contains('M') ? size << 20 : size;
}

std::size_t swept_bytes() {
  const long l2 = std::max(0L, sysconf(_SC_LEVEL2_CACHE_SIZE)), all = std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE));
  const long own = last_level_bytes(), l3 = own > 0 ? own : all;
  // Twice the cache, since none evicts strictly by age. No more than 64 MiB: what virtual machines report may still be
  // the whole socket's.
  return static_cast<std::size_t>(std::max(std::min(2 * l3, 64L << 20), 2 * l2 + (8L << 20)));
}

}  // namespace

void sweep_caches() {
  constexpr std::size_t page = 2 << 20;
  static const std::size_t size = (swept_bytes() + page - 1) / page * page;
  // Huge pages, as far as the system has them: the sweep stands between any two timed calls.
  static char* const buffer = [] {
    auto* memory = static_cast<char*>(std::aligned_alloc(page, size));
    if (memory) madvise(memory, size, MADV_HUGEPAGE);
    return memory;
  }();
  if (!buffer) return;
  static unsigned char round = 0;
  ++round;
  for (std::size_t i = 0; i < size; i += 64) buffer[i] = static_cast<char>(buffer[i] + round);
}

}  // namespace burnish
