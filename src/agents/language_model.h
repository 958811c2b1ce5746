#pragma once
#include <memory>
#include <optional>
#include <string>

#include "agents/agent.h"
#include "agents/asker.h"
#include "agents/prompt.h"

namespace burnish {

/// A language model as an agent. Its proposals keep the whole answer beside what was read of it; an answer that cannot
/// be read is a proposal too: it is judged (`plan`), counts as an attempt, and the next prompt says what was missing.
/// `context`: agents/context.h; `reference`: the user's, where the context of that name shows one.
std::unique_ptr<Agent> make_language_model(Model model, std::unique_ptr<Asker> asker, PromptFacts facts,
                                           std::string context = "plain", std::optional<Reference> reference = {});

/// The proposal that an answer makes.
Proposal proposal_of(const Reply& reply);

}  // namespace burnish
