#include "agents/model_agents.h"

#include "agents/language_model.h"
#include "base/paths.h"
#include "providers/models.h"
#include "targets/cpu/describe.h"

namespace burnish {
namespace {

constexpr std::string_view command_prefix = "command:";

PromptFacts facts_here() {
  const cpu::Device device = cpu::describe();
  PromptFacts facts;
  facts.device = device.to_json().dump();
  facts.compiler = "the system's g++";
  facts.threads = device.cores;
  return facts;
}

}  // namespace

Result<std::unique_ptr<Agent>> make_model_agent(const std::string& name) {
  if (name.starts_with(command_prefix)) {
    Model model;
    model.name = name;
    model.id = model.command = name.substr(command_prefix.size());
    model.service = "command";
    if (model.command.empty()) return fail("\"command:\" names no program", "--agents", "write command:PROGRAM");
    return make_language_model(std::move(model), make_command_asker(), facts_here());
  }
  TRY(folder, data_folder());
  TRY(table, load_models(folder));
  const Model* model = table.find(name);
  if (!model) {
    std::string known;
    for (const Model& m : table.models) known += (known.empty() ? "" : ", ") + m.name;
    return fail("there is no agent or model \"" + name + "\"", "--agents",
                "models: " + known + "; any program: command:PROGRAM");
  }
  auto asker = model->service == "command" ? make_command_asker() : make_http_asker();
  return make_language_model(*model, std::move(asker), facts_here());
}

}  // namespace burnish
