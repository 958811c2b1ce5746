#include "providers/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "agents/asker.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "providers/wire.h"

namespace burnish {
namespace {

struct ModelsFlags {
  CommonFlags common;
  std::vector<std::string> names;
  bool check = false;
};

/// What is needed before this model can be asked; empty: nothing.
std::string missing(const Model& model) {
  if (model.service == "command") return "";
  const auto key = key_for(model);
  return key ? "" : key.error().todo;
}

/// One tiny call: {"answered": seconds} or {"failed": why}.
json check(const Model& model) {
  const auto asker = make_asker(model, 60);
  Model small = model;
  small.output_tokens = std::min<std::int64_t>(model.output_tokens, 64);
  const auto begin = std::chrono::steady_clock::now();
  const auto reply =
      asker->ask(small, {"Answer with one word.", {{Message::Role::user, "Say: ready", {}}}, "check"}, {});
  if (!reply) return {{"failed", to_text(reply.error())}};
  return {{"answered", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()}};
}

json row_of(const Model& model, bool asks) {
  const auto todo = missing(model);
  json row = {{"name", model.name},
              {"id", model.id},
              {"service", model.service},
              {"ready", todo.empty()},
              {"todo", todo.empty() ? json(nullptr) : json(todo)},
              {"pictures", model.pictures},
              {"reasons", model.reasons},
              {"checked", model.checked},
              {"withdrawn", model.withdrawn.empty() ? json(nullptr) : json(model.withdrawn)},
              {"successor", model.successor.empty() ? json(nullptr) : json(model.successor)},
              {"dollars_per_million", {model.input_price, model.output_price}},
              {"from", model.where}};
  if (asks) row.update(todo.empty() ? check(model) : json{{"failed", todo}});
  return row;
}

std::string line_of(const json& row) {
  const auto text = [&](const char* key) { return row[key].get<std::string>(); };
  std::string state = row["ready"].get<bool>() ? "ready" : text("todo");
  if (row.contains("answered")) state = "answered in " + seconds_text(row["answered"].get<double>());
  if (row.contains("failed")) state = text("failed");
  if (row["withdrawn"].is_string())
    state += fmt::format("; withdrawn {}{}", text("withdrawn"),
                         row["successor"].is_string() ? ": " + text("successor") + " follows" : "");
  return fmt::format("{:<24} {:<17} {:<32} {}\n", text("name"), text("service"), text("id"), state);
}

/// Which variable each service's key is read from, a line a variable.
std::string key_variables() {
  std::string lines;
  for (const auto& service : services()) {
    const std::string variable(service.key_variable);
    if (!variable.empty() && !lines.contains(variable)) lines += fmt::format("  {:<20} {}\n", variable, service.name);
  }
  return lines + "  local servers and programs need none\n";
}

Result<int> models(const ModelsFlags& flags) {
  TRY(table, configured_models());
  for (const auto& name : flags.names)
    if (!table.find(name))
      return fail("there is no model \"" + name + "\"", "models.toml", "`burnish models` lists all");
  bool failed = false;
  for (const auto& model : table.models) {
    if (!flags.names.empty() && std::ranges::find(flags.names, model.name) == flags.names.end()) continue;
    const json row = row_of(model, flags.check);
    failed |= row.contains("failed");
    flags.common.json ? print_json(row) : print_text(line_of(row));
  }
  return failed ? exit_failure : exit_ok;
}

}  // namespace

void add_models(Program& program) {
  auto flags = std::make_shared<ModelsFlags>();
  auto& command = *program.app.add_subcommand("models", "language models that are configured, and whether they answer");
  command.add_option("names", flags->names, "only these")->type_name("NAME...");
  command.add_flag("--check", flags->check, "make one tiny call to each (status 1 if one does not answer)");
  add_json_flag(command, flags->common);
  command.footer(
      "Keys come from the service's environment variable, or from what the program in <variable>_COMMAND prints:\n" +
      key_variables() +
      "Rows are added and overridden in models.toml in the store's folder, or $BURNISH_MODELS (docs/models.md):\n"
      "  [models.NAME]  id, service, url, command, effort, context_tokens, output_tokens, input_price, cached_price,\n"
      "                 output_price, pictures, reasons, adaptive, checked, withdrawn, successor\n"
      "  [limits.SERVICE]  in_flight, requests_per_minute, tokens_per_minute\n"
      "Example:\n  burnish models --check claude-sonnet-4");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = models(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
