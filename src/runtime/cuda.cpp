#include "runtime/cuda.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

namespace burnish {
namespace {

Status load() {
  if (auto found = cuda::driver(); !found) return std::unexpected(found.error());
  // Its initialisers register the backend. PyTorch looks once: nothing may have asked for CUDA before.
  void* library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  const char* why = library ? "libtorch_cuda.so" : dlerror();
  if (!at::hasCUDA())
    return fail("this PyTorch has no CUDA", why ? why : "", "install a CUDA build of PyTorch", "environment");
  try {
    at::empty({1}, at::TensorOptions(at::kCUDA));  // makes the context current
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return fail("CUDA does not start: " + text.substr(0, text.find('\n')), "PyTorch", "see what nvidia-smi says",
                "environment");
  }
  return {};
}

c10::impl::VirtualGuardImpl guard() {
  return c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA);
}

}  // namespace

Status ensure_cuda() {
  static const Status loaded = load();
  return loaded;
}

c10::DeviceIndex current_cuda_device() {
  return guard().getDevice().index();
}

cuda::Stream current_cuda_stream(c10::DeviceIndex device) {
  const c10::Stream stream = guard().getStream(c10::Device(c10::DeviceType::CUDA, device));
  if (stream.id() == 0) return nullptr;  // the default stream
  return static_cast<cuda::Stream>(stream.native_handle());
}

Status synchronize_cuda() {
  TRY(driver, cuda::driver());
  const auto code = driver->cuCtxSynchronize();
  if (code != cuda::success) return std::unexpected(cuda::driver_error(*driver, code, "waiting for the GPU"));
  return {};
}

int cuda_attribute(cuda::DeviceAttribute attribute, c10::DeviceIndex device) {
  const auto driver = cuda::driver();
  cuda::DeviceNumber number = 0;
  int value = 0;
  if (!driver || (*driver)->cuDeviceGet(&number, device) != cuda::success ||
      (*driver)->cuDeviceGetAttribute(&value, attribute, number) != cuda::success)
    return 0;
  return value;
}

}  // namespace burnish
