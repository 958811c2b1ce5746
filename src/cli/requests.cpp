#include "swarm/requests.h"

#include <fmt/format.h>

#include <map>

#include "agents/asker.h"
#include "base/files.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"
#include "providers/wire.h"
#include "swarm/scratch.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

const std::map<std::string, const Wire*> batch_wires = {{"anthropic", &anthropic_messages},
                                                        {"openai", &chat_completions}};

struct RequestsFlags {
  CommonFlags common;
  std::string run, out, batch;
};

/// One text file a prompt, for people and for programs.
Status write_texts(const std::vector<Request>& requests, const fs::path& folder) {
  for (const auto& request : requests)
    if (auto ok = write_file(folder / (request.id + ".md"), to_text(request.prompt)); !ok) return ok;
  return {};
}

Status write_batch(const std::vector<Request>& requests, const Wire& wire, const fs::path& file) {
  std::string lines;
  for (const auto& request : requests)
    lines += wire.batch_line(request.model, request.id, request.prompt)
                 .dump(-1, ' ', false, json::error_handler_t::replace) +
             "\n";
  return write_file(file, lines);
}

Result<int> requests(const RequestsFlags& flags) {
  TRY(store, open_store(flags.common));
  TRY(run, store->run(flags.run));
  TRY(scratch, Scratch::make());
  TRY(found, open_requests(*store, run, scratch.path()));
  const fs::path out = flags.out.empty() ? fs::path(run.id + "-requests") : fs::path(flags.out);
  if (!found.empty()) {
    auto ok = flags.batch.empty() ? write_texts(found, out)
                                  : write_batch(found, *batch_wires.at(flags.batch), out / (flags.batch + ".jsonl"));
    if (!ok) return std::unexpected(ok.error());
  }
  json list = json::array();
  for (const auto& r : found)
    list.push_back({{"id", r.id}, {"problem", r.problem.name}, {"agent", r.agent}, {"attempt", r.number}});
  if (flags.common.json) {
    print_json({{"run", run.id}, {"requests", list}, {"dir", fs::absolute(out).lexically_normal().string()}});
  } else if (found.empty()) {
    print_text(fmt::format(
        "run {} has no open request: either every answer is in, or it has no agent batch:NAME (docs/models.md)\n",
        run.id));
  } else {
    print_text(fmt::format("{} requests in {}. Answer ID.md in a file ID.answer.md, then: burnish answers {} {}\n",
                           found.size(), out.string(), run.id, out.string()));
  }
  return exit_ok;
}

}  // namespace

void add_requests(Program& program) {
  auto flags = std::make_shared<RequestsFlags>();
  auto& command = *program.app.add_subcommand(
      "requests", "write the open prompts of a run's agents batch:NAME as files, for models that are out of reach");
  command.add_option("run", flags->run, "the run")->type_name("RUN")->required();
  command.add_option("--out", flags->out, "folder for the prompts (default: RUN-requests)")->type_name("DIR");
  command
      .add_option("--batch", flags->batch,
                  "one file of a batch service's lines (Message Batches, or Batch API) instead of one text a prompt")
      ->check(CLI::IsMember({"anthropic", "openai"}));
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Example:\n"
      "  burnish optimize model.py --agents compiler,batch:claude    # says which run it is\n"
      "  burnish requests brisk-otter-47 --out prompts\n"
      "  burnish answers brisk-otter-47 prompts");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = requests(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
