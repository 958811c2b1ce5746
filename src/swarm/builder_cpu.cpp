#include "swarm/builder.h"
#include "targets/cpu/compile.h"

namespace burnish {
namespace {

class CpuBuilder : public Builder {
 public:
  CpuBuilder(ObjectCache cache, bool sandbox, Lease& lease)
      : cache_(std::move(cache)), sandbox_(sandbox), lease_(lease) {}

  Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path& folder) override {
    TRY(sources, kernel_sources(folder, "cpu"));
    std::map<std::string, std::filesystem::path> objects;
    for (auto& source : sources) {
      cpu::CompileRequest request;
      request.name = source.name;
      request.source = std::move(source.text);
      request.kernels = source.kernels;
      request.cache = cache_;
      request.sandbox = sandbox_;
      lease_.wait();
      TRY(object, cpu::compile(request));
      objects[source.name] = object;
    }
    return objects;
  }

 private:
  ObjectCache cache_;
  bool sandbox_;
  Lease& lease_;
};

}  // namespace

std::unique_ptr<Builder> cpu_builder(ObjectCache cache, bool sandbox, Lease& lease) {
  return std::make_unique<CpuBuilder>(std::move(cache), sandbox, lease);
}

}  // namespace burnish
