#pragma once
#include <memory>
#include <optional>
#include <string>

#include "agents/agent.h"
#include "agents/asker.h"
#include "agents/prompt.h"

namespace burnish {

/// Who makes hints of measurements, where it is another model than the main one.
struct SubAgent {
  Model model;
  std::unique_ptr<Asker> asker;
};

/// A language model as an agent. Its proposals keep the whole answer beside what was read of it; an answer that cannot
/// be read is a proposal too: it is judged (`plan`), counts as an attempt, and the next prompt says what was missing.
/// `context`: agents/context.h; `reference`: the user's, where the context of that name shows one;
/// `hints`: asked in the contexts `profile` and `both`, else the model itself is.
std::unique_ptr<Agent> make_language_model(Model model, std::unique_ptr<Asker> asker, PromptFacts facts,
                                           std::string context = "plain", std::optional<Reference> reference = {},
                                           std::optional<SubAgent> hints = {});

/// The proposal that an answer makes.
Proposal proposal_of(const Reply& reply);

}  // namespace burnish
