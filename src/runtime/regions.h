#pragma once
#include <cstddef>

/// Memory of the pools, straight from the system in regions of 2 MiB, so that one look at an address tells whether a
/// pool owns it. PyTorch's raw_deallocate (oneDNN's scratch memory) gives an address alone, and may do so at any time,
/// in any thread.
namespace burnish::regions {

inline constexpr std::size_t size = std::size_t{2} << 20;

/// Zeroed memory of at least `bytes`, rounded up to whole regions and aligned to them; null where the system has none.
void* map(std::size_t bytes);
/// Gives back what map() gave for `bytes`.
void unmap(void* address, std::size_t bytes);
/// Whether the address lies in a region that is mapped now.
bool owns(const void* address);

}  // namespace burnish::regions
