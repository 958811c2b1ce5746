#include "runtime/kernels.h"

#include <dlfcn.h>

#include "runtime/launch_cuda.h"
#include "runtime/launch_metal.h"

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

Result<LoadedKernel> KernelLoader::load_metal(const std::string& name, const std::string& source,
                                              const std::filesystem::path& file) {
  const auto engine = files_.find(metal_engine_key);
  const auto find = [&](const std::string& key) {
    const auto it = files_.find(key + source);
    return it == files_.end() ? std::filesystem::path() : std::filesystem::path(it->second);
  };
  const std::string checked_key = metal_checked_key, facts_key = metal_facts_key;
  const MetalObject fast{file, find(facts_key)}, checked{find(checked_key), find(facts_key + checked_key)};
  if (engine == files_.end() || fast.facts.empty() || checked.object.empty() || checked.facts.empty())
    return fail("the plan's Metal kernels come without the emulator", file.string(),
                "judge it with --target metal-emulated, or run it on a Mac", "environment");
  if (!metal_) {
    TRY(loaded, load_metal_engine(engine->second));
    metal_ = loaded;
  }
  TRY(kernel, load_metal_kernel(metal_, name, fast, checked));
  return LoadedKernel{.signature = kernel->signature, .metal = kernel};
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
  if (source.ends_with(".metal")) return load_metal(name, source, file);
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
