#include "agents/model_agents.h"

#include "agents/context.h"
#include "agents/language_model.h"
#include "providers/models.h"
#include "targets/cpu/describe.h"

namespace burnish {
namespace {

constexpr std::string_view command_prefix = "command:", batch_prefix = "batch:";

class BatchModel : public Agent {
 public:
  explicit BatchModel(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  Result<std::optional<Proposal>> propose(const Task&, std::span<const PastAttempt>) override { return std::nullopt; }
  bool waits() const override { return true; }

 private:
  std::string name_;
};

std::unique_ptr<Asker> on_tape(std::unique_ptr<Asker> asker, const Asking& asking) {
  if (!asking.replay.empty()) return make_cassette_asker(asking.replay, nullptr);
  if (!asking.record.empty()) return make_cassette_asker(asking.record, std::move(asker));
  return asker;
}

PromptFacts facts_here() {
  const cpu::Device device = cpu::describe();
  PromptFacts facts;
  facts.device = device.to_json().dump();
  facts.compiler = "the system's g++";
  facts.threads = device.cores;
  return facts;
}

}  // namespace

Result<std::unique_ptr<Agent>> make_model_agent(const std::string& agent, const Asking& asking) {
  const auto [name, context] = split_context(agent);
  if (name.starts_with(command_prefix)) {
    Model model;
    model.name = name;
    model.id = model.command = name.substr(command_prefix.size());
    model.service = "command";
    if (model.command.empty()) return fail("\"command:\" names no program", "--agents", "write command:PROGRAM");
    auto asker = on_tape(make_asker(model), asking);
    return make_language_model(std::move(model), std::move(asker), facts_here(), context, asking.reference);
  }
  if (name.starts_with(batch_prefix)) {
    TRY(known, batch_model(agent));
    (void)known;
    return std::make_unique<BatchModel>(agent);
  }
  TRY(table, configured_models());
  const Model* model = table.find(name);
  if (!model) {
    std::string known;
    for (const Model& m : table.models) known += (known.empty() ? "" : ", ") + m.name;
    return fail("there is no agent or model \"" + name + "\"", "--agents",
                "models: " + known + "; any program: command:PROGRAM; by files: batch:NAME");
  }
  return make_language_model(*model, on_tape(make_asker(*model), asking), facts_here(), context, asking.reference);
}

Result<std::optional<Model>> batch_model(const std::string& agent) {
  if (!agent.starts_with(batch_prefix)) return std::nullopt;
  const auto name = split_context(agent).first.substr(batch_prefix.size());
  if (name.empty()) return fail("\"batch:\" names nobody", "--agents", "write batch:NAME, such as batch:claude");
  TRY(table, configured_models());
  if (const Model* known = table.find(name)) return *known;
  Model model;
  model.name = model.id = name;
  return model;
}

Result<Prompt> batch_prompt(const std::string& agent, const Model& model, const Task& task,
                            std::span<const PastAttempt> history, const json& device, int attempts,
                            const std::optional<Reference>& reference) {
  PromptFacts facts = facts_here();
  facts.attempts = attempts;
  if (device.is_object()) {
    facts.device = device.dump();
    facts.threads = device.value("cores", facts.threads);
  }
  if (auto ok = add_context(facts, split_context(agent).second, task, reference); !ok)
    return std::unexpected(ok.error());
  return make_prompt(task, history, facts, model);
}

}  // namespace burnish
