#pragma once
#include <cstddef>
#include <cstdint>

/// Poisoned memory: while a call is watched, PyTorch's CPU allocator hands out memory filled with NaN (0xFF) between
/// guard zones; freed memory is filled again and reused only when the call is over. At other times allocations pass
/// straight through.
namespace burnish {

/// Puts the watching allocator in front of PyTorch's (and of the plans' pool), once.
void install_watched_allocator();

struct MemoryReport {
  std::uint64_t peak_bytes = 0;    ///< most bytes alive at once
  std::uint32_t guard_broken = 0;  ///< allocations beside which something was written
};

/// Starts and ends the watch of one call, on all threads. Allocations that outlive it (outputs) are checked at the end
/// and again when they are freed.
void watch_memory();
MemoryReport memory_watched();

}  // namespace burnish
