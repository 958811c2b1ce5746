#include <algorithm>

#include "base/paths.h"
#include "swarm/builder.h"
#include "targets/metal/compile.h"

namespace fs = std::filesystem;

namespace burnish {
namespace {

/// libburnish_metal.so: beside the command, or in the prefix that it was installed to.
Result<fs::path> find_engine() {
  const auto folder = executable_path().parent_path();
  for (const auto& place :
       {folder / "libburnish_metal.so", folder.parent_path() / "lib" / "burnish" / "libburnish_metal.so"})
    if (fs::exists(place)) return place;
  return fail("the Metal emulator (libburnish_metal.so) is not installed", folder.string(),
              "build it with `make build`; it runs on Linux on x86-64", "environment");
}

class MetalBuilder : public Builder {
 public:
  MetalBuilder(ObjectCache cache, bool sandbox) : cache_(std::move(cache)), sandbox_(sandbox) {}

  /// Each source twice: as it is, and instrumented for the first calls. The worker also gets the emulator.
  Result<std::map<std::string, fs::path>> build(const fs::path& folder) override {
    TRY(sources, kernel_sources(folder, "metal-emulated"));
    std::map<std::string, fs::path> files;
    if (sources.empty()) return files;
    TRY(engine, find_engine());
    files["libburnish_metal.so"] = engine;
    for (const auto& source : sources)
      for (const bool checked : {false, true}) {
        auto compiled =
            metal::compile({.source = source.text, .checked = checked, .cache = cache_, .sandbox = sandbox_});
        if (!compiled) return refused(source.name, compiled.error());
        if (checked && !compiled->warnings.empty())
          return fail("a variable is used before it is set", source.name + ":" + compiled->warnings.front(),
                      "give it a value", "compile");
        for (const auto& kernel : source.kernels)
          if (std::ranges::none_of(compiled->kernels, [&](const metal::Kernel& k) { return k.name == kernel; }))
            return fail("the source has no kernel " + kernel, source.name,
                        "name it as its function or its host_name says", "compile");
        const std::string key = (checked ? "checked:" : "") + source.name;
        files[key] = compiled->object;
        files["facts:" + key] = fs::path(compiled->object).replace_extension(".json");
      }
    return files;
  }

 private:
  /// Of the reasons in docs/reasons.md: what the emulator leaves out is for the candidate a kernel that does not
  /// compile.
  static std::unexpected<Error> refused(const std::string& source, Error error) {
    if (error.reason == "unsupported") error.reason = "compile";
    return inside(source, std::move(error));
  }

  ObjectCache cache_;
  bool sandbox_;
};

}  // namespace

std::unique_ptr<Builder> metal_builder(ObjectCache cache, bool sandbox) {
  return std::make_unique<MetalBuilder>(std::move(cache), sandbox);
}

}  // namespace burnish
