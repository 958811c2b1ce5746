#include "agents/model_agents.h"

#include "agents/context.h"
#include "agents/hints.h"
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
  bool wants_full_verdicts() const override { return true; }
  bool wants_profile() const override { return has_profile(split_context(name_).second); }

 private:
  std::string name_;
};

/// Tells of each piece of text under the agent's name.
class ToldAsker : public Asker {
 public:
  ToldAsker(std::unique_ptr<Asker> inner, OnText on_text) : inner_(std::move(inner)), on_text_(std::move(on_text)) {}
  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText&) override {
    return inner_->ask(model, prompt, on_text_);
  }

 private:
  std::unique_ptr<Asker> inner_;
  OnText on_text_;
};

/// What asks for an agent, from the wire outwards.
std::unique_ptr<Asker> asker_for(const std::string& agent, const Model& model, const Asking& asking) {
  auto asker = make_asker(model, 600, asking.http);
  if (!asking.replay.empty()) {
    asker = make_cassette_asker(asking.replay, nullptr);
  } else if (!asking.record.empty()) {
    asker = make_cassette_asker(asking.record, std::move(asker));
  }
  if (asking.on_text)
    asker = std::make_unique<ToldAsker>(std::move(asker),
                                        [agent, tell = asking.on_text](std::string_view piece) { tell(agent, piece); });
  return asking.around ? asking.around(agent, std::move(asker)) : std::move(asker);
}

PromptFacts facts_here() {
  const cpu::Device device = cpu::describe();
  PromptFacts facts;
  facts.device = device.to_json().dump();
  facts.compiler = "the system's g++";
  facts.threads = device.cores;
  return facts;
}

/// Who makes hints for an agent: nothing where it is the model itself.
Result<std::optional<SubAgent>> hinter_for(const std::string& agent, const std::string& context, const Asking& asking) {
  if (asking.hints_model.empty() || !has_profile(context)) return std::nullopt;
  TRY(table, configured_models());
  const Model* model = table.find(asking.hints_model);
  if (!model)
    return fail("there is no model \"" + asking.hints_model + "\"", "--hints-model", "`burnish models` lists all");
  return SubAgent{*model, asker_for(agent, *model, asking)};
}

}  // namespace

Result<std::unique_ptr<Agent>> make_model_agent(const std::string& agent, const Asking& asking) {
  const auto [name, context] = split_context(agent);
  TRY(hinter, hinter_for(agent, context, asking));
  if (name.starts_with(command_prefix)) {
    Model model;
    model.name = name;
    model.id = model.command = name.substr(command_prefix.size());
    model.service = "command";
    if (model.command.empty()) return fail("\"command:\" names no program", "--agents", "write command:PROGRAM");
    auto asker = asker_for(agent, model, asking);
    return make_language_model(std::move(model), std::move(asker), facts_here(), context, asking.reference,
                               std::move(hinter));
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
  return make_language_model(*model, asker_for(agent, *model, asking), facts_here(), context, asking.reference,
                             std::move(hinter));
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

Status has_price(const std::string& agent) {
  TRY(table, configured_models());
  const Model* model = table.find(split_context(agent).first);
  const Service* service = model ? find_service(model->service) : nullptr;
  if (!service || service->key_variable.empty() || model->input_price > 0 || model->output_price > 0) return {};
  return fail("the model \"" + model->name + "\" has no price, so no budget in money can hold it", model->where,
              "add input_price and output_price, or use --budget-tokens");
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
  if (task.target != "cuda") add_device(facts, task.target);  // a run's host has said which GPU it has
  if (auto ok = add_context(facts, split_context(agent).second, task, reference); !ok)
    return std::unexpected(ok.error());
  return make_prompt(task, history, facts, model);
}

}  // namespace burnish
