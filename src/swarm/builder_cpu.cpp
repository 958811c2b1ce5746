#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/paths.h"
#include "plan/parse.h"
#include "swarm/builder.h"
#include "targets/cpu/compile.h"

namespace burnish {
namespace {

class CpuBuilder : public Builder {
 public:
  CpuBuilder(std::filesystem::path cache, bool sandbox, Lease& lease)
      : cache_(std::move(cache)), sandbox_(sandbox), lease_(lease) {}

  Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path& folder) override {
    TRY(plan, load_plan(folder));
    std::map<std::string, cpu::CompileRequest> requests;
    for (const auto& [name, kernel] : plan.kernels) {
      auto& request = requests[kernel.source];
      request.kernels.push_back(name);
      if (kernel.text) request.source = *kernel.text;
    }
    std::map<std::string, std::filesystem::path> objects;
    for (auto& [source, request] : requests) {
      if (request.source.empty()) {
        auto text = read_file(folder / source, 16 << 20);
        if (!text) {
          text.error().reason = "plan";
          return inside("kernels", text.error());
        }
        request.source = std::move(*text);
      }
      request.name = source;
      request.cache = cache_;
      request.sandbox = sandbox_;
      lease_.wait();
      TRY(object, cpu::compile(request));
      objects[source] = object;
    }
    return objects;
  }

 private:
  std::filesystem::path cache_;
  bool sandbox_;
  Lease& lease_;
};

}  // namespace

std::unique_ptr<Builder> cpu_builder(std::filesystem::path cache, bool sandbox, Lease& lease) {
  return std::make_unique<CpuBuilder>(std::move(cache), sandbox, lease);
}

}  // namespace burnish
