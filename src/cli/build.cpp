#include <fmt/format.h>

#include "base/paths.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"
#include "plan/parse.h"
#include "swarm/builder.h"
#include "swarm/deploy.h"

namespace burnish {
namespace {

struct BuildFlags {
  CommonFlags common;
  std::string folder;
  bool no_sandbox = false;
};

Result<int> build(const BuildFlags& flags) {
  TRY(data, flags.common.store.empty() ? data_folder() : Result<std::filesystem::path>(flags.common.store));
  Lease lease;
  const auto plan = load_plan(flags.folder);  // other forms have none, and nothing to compile
  TRY(builder, make_builder(plan ? plan->target : "cpu", data / "objects", !flags.no_sandbox, lease));
  if (auto ok = rebuild(*builder, flags.folder, describe_host()); !ok) return std::unexpected(ok.error());
  if (flags.common.json) {
    print_json({{"dir", flags.folder}});
  } else {
    print_text(fmt::format("{}: kernels compiled for this machine\n", flags.folder));
  }
  return exit_ok;
}

}  // namespace

void add_build(Program& program) {
  auto flags = std::make_shared<BuildFlags>();
  auto& command =
      *program.app.add_subcommand("build", "compile the kernels of a deployed folder again, for this machine");
  command.add_option("folder", flags->folder, "a folder that `burnish optimize` wrote")->type_name("DIR")->required();
  command.add_flag("--no-sandbox", flags->no_sandbox, "compile without the sandbox");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer("Example:\n  burnish build model-burnished");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = build(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
