#include <fmt/format.h>

#include "base/terminal.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct PruneFlags {
  CommonFlags common;
  double days = 0;
  std::vector<std::string> runs;
  bool objects = false, dry = false;
};

std::uintmax_t folder_bytes(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code ec;
  for (fs::recursive_directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code inner;
    if (it->is_regular_file(inner)) bytes += it->file_size(inner);
  }
  return bytes;
}

Result<int> prune(const PruneFlags& flags) {
  TRY(store, open_store(flags.common));
  std::vector<std::string> doomed;
  for (const auto& id : flags.runs) {
    TRY(run, store->run(id));
    doomed.push_back(run.id);
  }
  TRY(runs, store->runs());
  for (const auto& run : runs)
    if (flags.days > 0 && run.created < now_seconds() - flags.days * 86400) doomed.push_back(run.id);
  for (const auto& id : doomed) {
    if (flags.dry) continue;
    if (auto ok = store->remove_run(id); !ok) return std::unexpected(ok.error());
    std::error_code ec;
    fs::remove_all(store->folder() / "logs" / id, ec);
  }
  std::uintmax_t bytes = 0;
  if (flags.objects) {
    bytes += folder_bytes(store->folder() / "objects");
    std::error_code ec;
    if (!flags.dry) fs::remove_all(store->folder() / "objects", ec);
  }
  TRY(orphans, store->remove_orphans(flags.dry));
  bytes += orphans.second;
  if (flags.common.json) {
    print_json({{"runs", doomed}, {"orphans", orphans.first}, {"bytes", bytes}, {"dry_run", flags.dry}});
  } else {
    print_text(fmt::format("{} {} runs and {} unused files, {}\n", flags.dry ? "would remove" : "removed",
                           doomed.size(), orphans.first, bytes_text(static_cast<double>(bytes))));
    for (const auto& id : doomed) print_text("  " + id + "\n");
  }
  return exit_ok;
}

}  // namespace

void add_prune(Program& program) {
  auto flags = std::make_shared<PruneFlags>();
  auto& command =
      *program.app.add_subcommand("prune", "remove what the store may forget: unused files, and runs where asked");
  command.add_option("--older-than", flags->days, "runs that began more than so many days ago")
      ->type_name("DAYS")
      ->check(above_zero);
  command.add_option("--runs", flags->runs, "these runs, separated by commas")->delimiter(',')->type_name("RUN,RUN");
  command.add_flag("--objects", flags->objects, "compiled kernels too: they are made again where needed");
  command.add_flag("--dry-run", flags->dry, "only say what would go");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Examples:\n  burnish prune --dry-run\n  burnish prune --older-than 30\n  burnish prune --runs brisk-otter-47");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = prune(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
