#include "swarm/choices.h"

#include "agents/model_agents.h"

namespace burnish {

Status check_budget(const Choices& choices) {
  if (!choices.budget.usd) return {};
  for (const auto& agent : choices.agents)
    if (auto ok = has_price(agent); !ok) return ok;
  return {};
}

json to_json(const Choices& c) {
  json options = {{"agents", c.agents},     {"attempts", c.attempts},       {"strategy", c.strategy}, {"seed", c.seed},
                  {"held_out", c.held_out}, {"hints_model", c.hints_model}, {"rules", c.rules}};
  if (c.budget.usd) options["budget"]["usd"] = *c.budget.usd;
  if (c.budget.tokens) options["budget"]["tokens"] = *c.budget.tokens;
  if (c.turns) options["turns"] = *c.turns;
  if (c.reference) options["reference"] = {{"name", c.reference->name}, {"text", c.reference->text}};
  if (!c.recall.empty()) options["recall"] = to_json(c.recall);
  return options;
}

Result<Choices> choices_of(const json& options) try {
  Choices c;
  c.agents = options.at("agents").get<std::vector<std::string>>();
  c.attempts = options.at("attempts");
  c.strategy = options.value("strategy", c.strategy);
  c.seed = options.value("seed", c.seed);
  c.hints_model = options.value("hints_model", c.hints_model);
  c.held_out = options.value("held_out", c.held_out);
  c.rules = options.value("rules", c.rules);
  const auto budget = options.value("budget", json::object());
  if (budget.contains("usd")) c.budget.usd = budget["usd"].get<double>();
  if (budget.contains("tokens")) c.budget.tokens = budget["tokens"].get<std::int64_t>();
  if (options.contains("turns")) c.turns = options["turns"].get<int>();
  if (options.contains("reference"))
    c.reference = Reference{options["reference"].at("name"), options["reference"].at("text")};
  if (options.contains("recall")) {
    TRY(recall, corpus_of(options["recall"]));
    c.recall = std::move(recall);
  }
  return c;
} catch (const json::exception& error) {
  return fail(std::string("the run's options cannot be read: ") + error.what(), "store", "start a new run");
}

}  // namespace burnish
