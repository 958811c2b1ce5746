#pragma once
#include <c10/core/Device.h>

#include "base/cuda_driver.h"

/// What the runtime asks of CUDA beyond ATen. PyTorch's CUDA library is loaded at run time, as the driver is: the same
/// build runs with a PyTorch that has no CUDA.
namespace burnish {

/// Loads PyTorch's CUDA side and the driver, once. An Error (reason `environment`) says which is missing.
Status ensure_cuda();

/// PyTorch's current stream of a device, as the driver takes it.
cuda::Stream current_cuda_stream(c10::DeviceIndex device);

/// The calling thread's current device.
c10::DeviceIndex current_cuda_device();

/// Waits for all that runs on the current device, on every stream. An Error has the reason `crash` (or `memory`): after
/// an illegal address or the like the process can do nothing more with CUDA.
Status synchronize_cuda();

/// An attribute of a device, 0 where the driver does not say.
int cuda_attribute(cuda::DeviceAttribute attribute, c10::DeviceIndex device);

}  // namespace burnish
