#include "store/pack.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"

namespace burnish {
namespace {

struct PackFlags {
  CommonFlags common;
  std::string run, file;
};

Result<int> pack(const PackFlags& flags) {
  TRY(store, open_store(flags.common));
  const std::filesystem::path file = flags.file.empty() ? flags.run + ".tar" : flags.file;
  if (auto ok = pack_run(*store, flags.run, file); !ok) return std::unexpected(ok.error());
  if (flags.common.json) {
    print_json({{"run", flags.run}, {"file", std::filesystem::absolute(file).string()}});
  } else {
    print_text(
        fmt::format("{}: take it in elsewhere with: burnish unpack {}\n", file.string(), file.filename().string()));
  }
  return exit_ok;
}

Result<int> unpack(const PackFlags& flags) {
  TRY(store, open_store(flags.common));
  TRY(run, unpack_run(*store, flags.file));
  if (flags.common.json) {
    print_json({{"run", run.id}, {"command", run.command}, {"state", run.state}});
  } else {
    print_text(fmt::format(
        "run {} is in the store: see it with `burnish report {}`{}\n", run.id, run.id,
        run.state == "done" ? "" : fmt::format(", go on with `burnish {} --resume {}`", run.command, run.id)));
  }
  return exit_ok;
}

}  // namespace

void add_pack(Program& program) {
  auto flags = std::make_shared<PackFlags>();
  auto& command = *program.app.add_subcommand("pack", "put a run into one file, for another machine");
  command.add_option("run", flags->run, "the run")->type_name("RUN")->required();
  command.add_option("--out", flags->file, "the file (default: RUN.tar)")->type_name("FILE");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer("Example:\n  burnish pack brisk-otter-47 --out run.tar");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = pack(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

void add_unpack(Program& program) {
  auto flags = std::make_shared<PackFlags>();
  auto& command = *program.app.add_subcommand("unpack", "take a packed run into this store");
  command.add_option("file", flags->file, "a file that `burnish pack` wrote")->type_name("FILE")->required();
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer("Example:\n  burnish unpack run.tar");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = unpack(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
