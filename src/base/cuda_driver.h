#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"

/// NVIDIA's driver, found at run time: one build serves machines with and without a GPU, and none needs CUDA's headers.
/// Types and numbers are those of the CUDA Driver API reference; only what Burnish calls is declared.
namespace burnish::cuda {

using Code = int;  ///< CUresult
using DeviceNumber = int;
struct Opaque;
using Library = Opaque*;
using Kernel = Opaque*;
using Stream = Opaque*;

inline constexpr Code success = 0, out_of_memory = 2;

/// CUdevice_attribute.
enum class DeviceAttribute : int {
  shared_per_block = 8,
  registers_per_block = 12,
  clock_khz = 13,
  multiprocessors = 16,
  compute_mode = 20,
  memory_clock_khz = 36,
  memory_bus_bits = 37,
  l2_bytes = 38,
  capability_major = 75,
  capability_minor = 76,
  shared_per_multiprocessor = 81,
  shared_per_block_at_most = 97,
};

/// CUfunction_attribute.
enum class KernelAttribute : int {
  threads_at_most = 0,
  shared_bytes = 1,
  local_bytes = 3,
  registers = 4,
  dynamic_shared_at_most = 8,
  any_cluster_size = 14,
};

/// CUlaunchAttribute, with the two attributes that are used here.
struct LaunchAttribute {
  enum Id : int { cooperative = 2, cluster = 4 } id;
  char pad[4];
  union {
    char size[64];
    int cooperative;
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};
static_assert(sizeof(LaunchAttribute) == 72);

/// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid[3], block[3], shared_bytes;
  Stream stream;
  LaunchAttribute* attributes;
  unsigned count;
};
static_assert(sizeof(LaunchConfig) == 56);

/// The driver's functions, with its own names.
struct Driver {
  Code (*cuInit)(unsigned flags);
  Code (*cuDriverGetVersion)(int* version);
  Code (*cuGetErrorName)(Code code, const char** name);
  Code (*cuGetErrorString)(Code code, const char** text);
  Code (*cuDeviceGetCount)(int* count);
  Code (*cuDeviceGet)(DeviceNumber* device, int ordinal);
  Code (*cuDeviceGetName)(char* name, int length, DeviceNumber device);
  Code (*cuDeviceTotalMem)(std::size_t* bytes, DeviceNumber device);
  Code (*cuDeviceGetAttribute)(int* value, DeviceAttribute attribute, DeviceNumber device);
  Code (*cuLibraryLoadData)(Library* library, const void* image, void* jit_options, void** jit_values,
                            unsigned jit_count, void* options, void** values, unsigned count);
  Code (*cuLibraryUnload)(Library library);
  Code (*cuLibraryGetKernel)(Kernel* kernel, Library library, const char* name);
  Code (*cuKernelGetAttribute)(int* value, KernelAttribute attribute, Kernel kernel, DeviceNumber device);
  Code (*cuKernelSetAttribute)(KernelAttribute attribute, int value, Kernel kernel, DeviceNumber device);
  Code (*cuLaunchKernelEx)(const LaunchConfig* config, Kernel kernel, void** arguments, void** extra);
  Code (*cuCtxSynchronize)();
  Code (*cuMemsetD8Async)(std::uint64_t address, unsigned char value, std::size_t bytes, Stream stream);
};

/// The driver of this machine, loaded and initialised once. An Error (reason `environment`) says why there is none: no
/// library, one too old for what is used here, or no GPU.
Result<const Driver*> driver();

/// What the driver says of a code, as an Error. `reason`: `memory` for out of memory, `environment` for a driver that
/// does not match the kernel's architecture, else `crash` (an illegal address, a kernel that did not end).
Error driver_error(const Driver& driver, Code code, std::string doing);

/// A library of the system by name and a symbol of it. `file` is what dlopen takes.
Result<void*> open_library(const std::string& file);
Result<void*> find_symbol(void* library, const char* name);

}  // namespace burnish::cuda
