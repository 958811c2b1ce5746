#include <fmt/format.h>

#include "base/paths.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "plan/parse.h"
#include "swarm/builder.h"
#include "targets/cuda/compile.h"

namespace burnish {
namespace {

struct CompileFlags {
  CommonFlags common;
  std::string folder, architecture;
  bool no_sandbox = false;
};

/// What is worth telling of each kernel: on CUDA what it takes of a multiprocessor.
json facts_of(const std::string& target, const std::filesystem::path& file) {
  json kernels = json::object();
  if (target != "cuda") return kernels;
  const auto object = cuda::read_object(file);
  if (!object) return kernels;
  for (const auto& [name, k] : object->kernels)
    kernels[name] = {{"signature", k.signature},
                     {"registers", k.registers},
                     {"spilled_bytes", k.spilled_bytes},
                     {"shared_bytes", k.shared_bytes}};
  return kernels;
}

Result<int> compile(const CompileFlags& flags) {
  TRY(data, flags.common.store.empty() ? data_folder() : Result<std::filesystem::path>(flags.common.store));
  TRY(plan, load_plan(flags.folder));
  if (!flags.architecture.empty() && plan.target != "cuda")
    return fail("--arch is for plans of the target cuda, this one is for " + plan.target, "--arch", "leave it out");
  Lease lease;
  TRY(builder, flags.architecture.empty() ? make_builder(plan.target, data / "objects", !flags.no_sandbox, lease)
                                          : Result<std::unique_ptr<Builder>>(
                                                cuda_builder(data / "objects", !flags.no_sandbox, flags.architecture)));
  TRY(objects, builder->build(flags.folder));
  json sources = json::object();
  for (const auto& [source, file] : objects)
    sources[source] = {{"object", file.string()}, {"kernels", facts_of(plan.target, file)}};
  if (flags.common.json) {
    print_json({{"target", plan.target}, {"sources", sources}});
    return exit_ok;
  }
  if (objects.empty()) print_text(fmt::format("{}: the plan is right; it has no kernels\n", flags.folder));
  for (const auto& [source, entry] : sources.items()) {
    print_text(fmt::format("{}: {}\n", source, entry["object"].get<std::string>()));
    for (const auto& [name, k] : entry["kernels"].items())
      print_text(fmt::format("  {:<24} {} registers, {} bytes of shared memory, {} bytes spilled\n", name,
                             k["registers"].get<int>(), k["shared_bytes"].get<int>(), k["spilled_bytes"].get<int>()));
  }
  return exit_ok;
}

}  // namespace

void add_compile(Program& program) {
  auto flags = std::make_shared<CompileFlags>();
  auto& command = *program.app.add_subcommand("compile", "check a plan and compile its kernels, without running them");
  command.add_option("plan", flags->folder, "a plan's folder or plan.json")->type_name("PLAN")->required();
  command
      .add_option(
          "--arch", flags->architecture,
          "compile CUDA kernels for this architecture, on a machine with or without a GPU (default: this GPU's)")
      ->type_name("sm_NN");
  command.add_flag("--no-sandbox", flags->no_sandbox, "compile without the sandbox");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Exit status: 0 all kernels compile, 1 one does not, 2 the plan is malformed.\n"
      "Examples:\n"
      "  burnish compile plan/\n"
      "  burnish compile plan/ --arch sm_90a");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = compile(*flags);
      if (status) return *status;
      const int misuse = report_error(status.error(), flags->common.json);
      const auto& reason = status.error().reason;
      return reason == "compile" || reason == "object" ? static_cast<int>(exit_failure) : misuse;
    };
  });
}

}  // namespace burnish
