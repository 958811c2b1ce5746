#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

/// The memory of a plan's `empty` and `zero` steps on a GPU while a call is watched: filled with NaN (0xFF), between
/// guard zones. PyTorch's caching allocator for CUDA cannot be replaced as that of the CPU can (allocator.h), so what
/// its operators allocate is not watched.
namespace burnish {

/// Starts and ends the watch of one call, on all threads. The end gives the number of allocations beside which
/// something was written.
void watch_gpu_memory();
std::uint32_t gpu_memory_watched();
bool is_gpu_memory_watched();

/// A tensor of those sizes and strides with poison in it and guards around it.
at::Tensor watched_gpu_empty(at::IntArrayRef sizes, at::IntArrayRef strides, const at::TensorOptions& options);

}  // namespace burnish
