#pragma once
#include <memory>
#include <string>

#include "agents/agent.h"
#include "providers/provider.h"

namespace burnish {

/// The language model of that name as an agent: a row of models.toml (the shipped ones and the user's own), or
/// "command:PROGRAM" for any program that reads a prompt on stdin and writes an answer on stdout, or "batch:NAME" for
/// one that this machine cannot reach (see `batch_model`); each may have a context behind it (context.h). Fails with
/// the names that there are. A missing key is found out when the agent is first asked, so that the others go on.
Result<std::unique_ptr<Agent>> make_model_agent(const std::string& agent, const Asking& asking = {});

/// What answers for the agent "batch:NAME": the row NAME of models.toml where there is one, else anybody under that
/// name (a person, a model elsewhere) with a window of common size. Nothing for agents of other names.
Result<std::optional<Model>> batch_model(const std::string& agent);

/// Whether a budget in money can hold the agent: fails for a hosted model whose row has no price. What runs here is
/// free.
Status has_price(const std::string& agent);

/// The prompt of its next attempt, as `burnish requests` writes it. `device` is the machine that kernels will run on
/// (`host` of the run), which may not be this one.
Result<Prompt> batch_prompt(const std::string& agent, const Model& model, const Task& task,
                            std::span<const PastAttempt> history, const json& device, int attempts,
                            const std::optional<Reference>& reference = {});

}  // namespace burnish
