#include "swarm/builder.h"

#include <algorithm>
#include <chrono>

#include "base/files.h"
#include "plan/parse.h"

namespace burnish {

Result<std::vector<KernelSource>> kernel_sources(const std::filesystem::path& folder, const std::string& target) {
  TRY(plan, load_plan(folder));
  if (plan.target != target)
    return fail("the plan is for the target " + plan.target + ", not " + target, "target",
                "write \"target\": \"" + target + "\", or choose another --target", "plan");
  std::vector<KernelSource> sources;
  for (const auto& [name, kernel] : plan.kernels) {
    auto it = std::ranges::find(sources, kernel.source, &KernelSource::name);
    if (it == sources.end()) it = sources.insert(it, KernelSource{kernel.source, kernel.text.value_or(""), {}});
    it->kernels.push_back(name);
  }
  const auto home = std::filesystem::is_directory(folder) ? folder : folder.parent_path();
  for (auto& source : sources) {
    if (!source.text.empty()) continue;
    auto text = read_file(home / source.name, 16 << 20);
    if (!text) {
      text.error().reason = "plan";
      return inside("kernels", text.error());
    }
    source.text = std::move(*text);
  }
  return sources;
}

Status build_candidate(Builder& builder, Candidate& candidate) {
  const auto start = std::chrono::steady_clock::now();
  TRY(kernels, builder.build(candidate.location));
  candidate.kernels = std::move(kernels);
  candidate.compile_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {};
}

Result<std::unique_ptr<Builder>> make_builder(const std::string& target, ObjectCache cache, bool sandbox,
                                              Lease& lease) {
  if (target == "cpu") return cpu_builder(std::move(cache), sandbox, lease);
  if (target == "cuda") return cuda_builder(std::move(cache), sandbox);
  if (target == "metal-emulated") return metal_builder(std::move(cache), sandbox);
  return fail("nothing compiles kernels for the target " + target, "--target", "use cpu, cuda or metal-emulated",
              "environment");
}

}  // namespace burnish
