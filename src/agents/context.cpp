#include "agents/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agents/compiler.h"
#include "base/files.h"
#include "targets/cuda/describe.h"
#include "targets/metal/estimate.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 4> known = {"plain", "reference", "profile", "both"};
constexpr std::uint64_t largest_reference = 256 << 10;  ///< bytes of a user's file that go into a prompt

bool is_known(std::string_view context) {
  return std::ranges::find(known, context) != known.end();
}

bool is_built_in(const std::string& name) {
  return std::ranges::any_of(agent_rows(), [&](const AgentRow& row) { return name == row.name; });
}

}  // namespace

bool has_profile(const std::string& context) {
  return context == "profile" || context == "both";
}

std::pair<std::string, std::string> split_context(const std::string& agent) {
  const auto at = agent.rfind('@');
  // A program's name may have an "@" of its own.
  if (at != std::string::npos && is_known(std::string_view(agent).substr(at + 1)))
    return {agent.substr(0, at), agent.substr(at + 1)};
  return {agent, "plain"};
}

Result<std::vector<std::string>> in_contexts(const std::vector<std::string>& agents,
                                             const std::vector<std::string>& contexts) {
  for (const auto& context : contexts)
    if (!is_known(context))
      return fail("there is no context \"" + context + "\"", "--contexts", "plain, reference, profile, both");
  if (contexts.empty()) return agents;
  std::vector<std::string> names;
  for (const auto& agent : agents) {
    if (is_built_in(agent)) {
      names.push_back(agent);
      continue;
    }
    for (const auto& context : contexts) names.push_back(context == "plain" ? agent : agent + "@" + context);
  }
  return names;
}

Result<Reference> read_reference(const std::filesystem::path& file) {
  auto text = read_file(file, largest_reference);
  if (!text) return inside("--reference", text.error());
  return Reference{file.filename().string(), std::move(*text)};
}

void add_device(PromptFacts& facts, const std::string& target) {
  if (target == "cuda") {
    const auto gpu = cuda::describe();
    facts.device = gpu ? gpu->to_json().dump() : "an NVIDIA GPU";
  } else if (target == "metal-emulated") {
    const auto& gpu = metal::m4_max;
    facts.device = fmt::format(
        "{}, which an emulator stands for: {} cores, {:.0f} GB/s, {:.0f} TFLOP/s in fp32, simdgroups of 32 threads, "
        "32 KB of memory a threadgroup",
        gpu.name, gpu.cores, gpu.bytes_per_second / 1e9, gpu.flops_per_second / 1e12);
  }
}

Status add_context(PromptFacts& facts, const std::string& context, const Task& task,
                   const std::optional<Reference>& reference) {
  if (context != "reference" && context != "both") return {};
  if (reference) {
    facts.reference = reference->text;
    facts.reference_kind = reference->name + ", given by the user";
    return {};
  }
  if (task.solved) {
    facts.reference = task.solved->text;
    facts.reference_kind = task.solved->name;
    return {};
  }
  // For Metal the same plan's CUDA kernels: the language that models know best, to be carried over.
  const bool carried_over = task.target == "metal-emulated";
  Task asked = task;
  if (carried_over) asked.target = "cuda";
  TRY(made, make_compiler()->propose(asked, {}));
  if (!made) return {};
  facts.reference = as_answer(*made);
  facts.reference_kind = carried_over ? "what Burnish's own compiler makes of this plan in CUDA; carry over to Metal "
                                        "what serves there"
                                      : "what Burnish's own compiler makes of this plan";
  return {};
}

}  // namespace burnish
