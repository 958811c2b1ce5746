#include <fmt/format.h>

#include "swarm/builder.h"
#include "targets/cuda/compile.h"
#include "targets/cuda/describe.h"

namespace burnish {
namespace {

/// The architecture of this machine's GPU, where its driver can run what this NVRTC makes.
Result<std::string> architecture_here() {
  TRY(nvrtc, cuda::find_nvrtc());
  TRY(device, cuda::describe());
  if (device.driver_major < nvrtc.major)
    return fail(fmt::format("the driver runs CUDA {}.{}, NVRTC compiles for {}", device.driver_major,
                            device.driver_minor, nvrtc.version()),
                nvrtc.library.string(),
                fmt::format("update the driver, or install nvidia-cuda-nvrtc of version {}", device.driver_major),
                "environment");
  return cuda::architecture_of(nvrtc, device.capability_major, device.capability_minor);
}

class CudaBuilder : public Builder {
 public:
  CudaBuilder(ObjectCache cache, bool sandbox, std::string architecture)
      : cache_(std::move(cache)), sandbox_(sandbox), architecture_(std::move(architecture)) {}

  Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path& folder) override {
    TRY(sources, kernel_sources(folder, "cuda"));
    std::map<std::string, std::filesystem::path> objects;
    if (sources.empty()) return objects;
    std::string architecture = architecture_;
    if (architecture.empty()) {
      TRY(here, architecture_here());
      architecture = here;
    }
    for (auto& source : sources) {
      cuda::CompileRequest request;
      request.name = source.name;
      request.source = std::move(source.text);
      request.kernels = source.kernels;
      request.architecture = architecture;
      request.cache = cache_;
      request.sandbox = sandbox_;
      TRY(object, cuda::compile(request));
      objects[source.name] = object;
    }
    return objects;
  }

 private:
  ObjectCache cache_;
  bool sandbox_;
  std::string architecture_;
};

}  // namespace

std::unique_ptr<Builder> cuda_builder(ObjectCache cache, bool sandbox, std::string architecture) {
  return std::make_unique<CudaBuilder>(std::move(cache), sandbox, std::move(architecture));
}

}  // namespace burnish
