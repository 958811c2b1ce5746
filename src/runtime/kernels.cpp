#include "runtime/kernels.h"

#include <dlfcn.h>

#include "runtime/launch_cuda.h"

namespace burnish {

KernelLoader::KernelLoader(std::filesystem::path folder, std::map<std::string, std::string> files, bool cuda)
    : folder_(std::move(folder)), files_(std::move(files)), cuda_(cuda) {}

Result<std::shared_ptr<void>> KernelLoader::open(const std::filesystem::path& file) {
  const std::string path = std::filesystem::absolute(file).string();
  if (const auto it = open_.find(path); it != open_.end()) return it->second;
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* why = dlerror();
    return fail(std::string("a compiled kernel cannot be loaded: ") + (why ? why : "no reason given"), path,
                "compile it again", "object");
  }
  std::shared_ptr<void> library(handle, [](void* h) { dlclose(h); });
  open_[path] = library;
  return library;
}

Result<LoadedKernel> KernelLoader::load(const std::string& name, const std::string& source) {
  std::filesystem::path file = folder_ / "kernels" / (name + (cuda_ ? ".cubin" : ".so"));
  for (const auto& key : {source, name})
    if (const auto it = files_.find(key); it != files_.end()) file = it->second;
  if (!std::filesystem::exists(file))
    return fail("the kernel " + name + " is not compiled", file.string(), "compile the plan's sources first",
                "compile");
  if (cuda_) {
    auto& module = modules_[file.string()];
    if (!module) {
      TRY(loaded, load_gpu_module(file));
      module = loaded;
    }
    TRY(kernel, find_gpu_kernel(module, name));
    return LoadedKernel{.gpu = kernel, .signature = kernel->facts.signature};
  }
  TRY(library, open(file));
  const auto symbol = [&](const std::string& prefix) { return dlsym(library.get(), (prefix + name).c_str()); };
  const auto* signature = static_cast<const char*>(symbol("burnish_signature_"));
  void* entry = symbol("burnish_entry_");
  if (!signature || !entry)
    return fail("the compiled object has no kernel " + name, file.string(), "compile the plan's sources again",
                "object");
  return LoadedKernel{reinterpret_cast<KernelEntry>(entry), nullptr, signature, library};
}

}  // namespace burnish
