#include "targets/metal/engine/load.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>

extern "C" volatile int mtl_stop;

namespace burnish::metal {
namespace {

/// Kernels find the engine's functions by name: the library that holds this code is made visible to them.
Status expose_engine() {
  Dl_info info;
  if (dladdr(const_cast<const int*>(&mtl_stop), &info) == 0 ||
      !dlopen(info.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD))
    return fail("the emulator's library cannot be found in memory", info.dli_fname ? info.dli_fname : "",
                "install burnish again", "environment");
  return {};
}

std::uintptr_t end_of(std::uintptr_t base) {
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(base);
  const auto* segments = reinterpret_cast<const ElfW(Phdr)*>(base + header->e_phoff);
  std::uintptr_t end = 0;
  for (int i = 0; i < header->e_phnum; ++i)
    if (segments[i].p_type == PT_LOAD) end = std::max<std::uintptr_t>(end, segments[i].p_vaddr + segments[i].p_memsz);
  return base + end;
}

}  // namespace

Result<std::shared_ptr<Library>> Library::open(const Compiled& compiled, bool checked) {
  static const Status exposed = expose_engine();
  if (!exposed) return std::unexpected(exposed.error());
  std::shared_ptr<Library> library(new Library);
  library->compiled_ = compiled;
  library->handle_ = dlopen(compiled.object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library->handle_)
    return fail("a compiled object cannot be loaded", dlerror(), "delete it and compile again", "environment");
  for (std::size_t i = 0; i < compiled.kernels.size(); ++i) {
    void* entry = dlsym(library->handle_, fmt::format("mtl_entry_{}", i).c_str());
    void* sizes = dlsym(library->handle_, fmt::format("mtl_sizes_{}", i).c_str());
    Dl_info info;
    if (!entry || !sizes || dladdr(entry, &info) == 0)
      return fail("a compiled object lacks the kernel " + compiled.kernels[i].name, compiled.object.string(),
                  "delete it and compile again", "object");
    library->base_ = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    library->kernels_.push_back({.kernel = compiled.kernels[i],
                                 .entry = reinterpret_cast<Entry>(entry),
                                 .sizes = static_cast<const std::uint32_t*>(sizes),
                                 .shared_names = compiled.shared_names,
                                 .low = library->base_,
                                 .high = end_of(library->base_),
                                 .checked = checked});
  }
  return library;
}

Library::~Library() {
  if (handle_) dlclose(handle_);
}

const Loaded* Library::find(const std::string& name) const {
  const auto it = std::ranges::find_if(kernels_, [&](const Loaded& k) { return k.kernel.name == name; });
  return it == kernels_.end() ? nullptr : &*it;
}

Result<std::optional<Finding>> Library::launch(const Loaded& kernel, const LaunchRequest& request) const {
  auto done = metal::launch(kernel, request);
  if (!done || !*done) return done;
  auto& f = **done;
  if (f.line == 0 && f.pc >= base_) f.line = compiled_.line_of(f.pc - base_);
  if (f.other_pc >= base_) f.other_line = compiled_.line_of(f.other_pc - base_);
  return done;
}

}  // namespace burnish::metal
