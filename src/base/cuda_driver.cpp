#include "base/cuda_driver.h"

#include <dlfcn.h>

namespace burnish::cuda {
namespace {

constexpr const char* install = "install NVIDIA's driver (550 or newer), or choose another --target";

template <class F>
Status bind(void* library, const char* name, F& function) {
  TRY(symbol, find_symbol(library, name));
  function = reinterpret_cast<F>(symbol);
  return {};
}

Result<Driver> load() {
  auto library = open_library("libcuda.so.1");
  if (!library) return fail("this machine has no NVIDIA driver", library.error().what, install, "environment");
  Driver d{};
  // The names with _v2 are those that the current headers mean by the plain ones.
  const Status bound[] = {bind(*library, "cuInit", d.cuInit),
                          bind(*library, "cuDriverGetVersion", d.cuDriverGetVersion),
                          bind(*library, "cuGetErrorName", d.cuGetErrorName),
                          bind(*library, "cuGetErrorString", d.cuGetErrorString),
                          bind(*library, "cuDeviceGetCount", d.cuDeviceGetCount),
                          bind(*library, "cuDeviceGet", d.cuDeviceGet),
                          bind(*library, "cuDeviceGetName", d.cuDeviceGetName),
                          bind(*library, "cuDeviceTotalMem_v2", d.cuDeviceTotalMem),
                          bind(*library, "cuDeviceGetAttribute", d.cuDeviceGetAttribute),
                          bind(*library, "cuLibraryLoadData", d.cuLibraryLoadData),
                          bind(*library, "cuLibraryUnload", d.cuLibraryUnload),
                          bind(*library, "cuLibraryGetKernel", d.cuLibraryGetKernel),
                          bind(*library, "cuKernelGetAttribute", d.cuKernelGetAttribute),
                          bind(*library, "cuKernelSetAttribute", d.cuKernelSetAttribute),
                          bind(*library, "cuLaunchKernelEx", d.cuLaunchKernelEx),
                          bind(*library, "cuCtxSynchronize", d.cuCtxSynchronize),
                          bind(*library, "cuMemsetD8Async", d.cuMemsetD8Async)};
  for (const Status& one : bound)
    if (!one)
      return fail("NVIDIA's driver is too old: it has no " + one.error().where, "libcuda.so.1", install, "environment");
  if (const Code code = d.cuInit(0); code != success) {
    const char* text = nullptr;
    d.cuGetErrorString(code, &text);
    return fail("NVIDIA's driver does not start", text ? text : "no reason given",
                "see what nvidia-smi says; in a container, show it the GPU", "environment");
  }
  int count = 0;
  if (d.cuDeviceGetCount(&count) != success || count == 0)
    return fail("NVIDIA's driver sees no GPU", "cuDeviceGetCount", "see what nvidia-smi and CUDA_VISIBLE_DEVICES say",
                "environment");
  return d;
}

}  // namespace

Result<void*> open_library(const std::string& file) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library) return library;
  const char* why = dlerror();
  return fail(why ? why : "the library cannot be loaded", file, {}, "environment");
}

Result<void*> find_symbol(void* library, const char* name) {
  if (void* symbol = dlsym(library, name)) return symbol;
  return fail("a function is missing", name, {}, "environment");
}

Result<const Driver*> driver() {
  static const Result<Driver> loaded = load();
  if (!loaded) return std::unexpected(loaded.error());
  return &*loaded;
}

Error driver_error(const Driver& driver, Code code, std::string doing) {
  const char *name = nullptr, *text = nullptr;
  driver.cuGetErrorName(code, &name);
  driver.cuGetErrorString(code, &text);
  Error error{std::string(text ? text : "the driver failed") + " (" + (name ? name : std::to_string(code)) + ")",
              std::move(doing), "", "crash"};
  constexpr Code no_image_for_this_gpu = 209, other_ptx = 218, unsupported_ptx = 222;
  if (code == out_of_memory) error.reason = "memory";
  if (code == no_image_for_this_gpu || code == other_ptx || code == unsupported_ptx) {
    error.reason = "environment";
    error.todo = "compile the plan's kernels again, on this machine";
  }
  return error;
}

}  // namespace burnish::cuda
