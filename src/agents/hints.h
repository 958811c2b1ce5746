#pragma once
#include <span>
#include <string>

#include "agents/agent.h"
#include "agents/prompt.h"

/// The context `profile`: measurements of a right candidate go to a sub-agent, whose hints go to the main model.
namespace burnish {

/// The best right attempt that was measured (its verdict has a "profile"); null where there is none.
const PastAttempt* best_measured(std::span<const PastAttempt> history);

/// The hints that an earlier prompt had for that attempt, so that none is paid for twice; empty: none.
std::string hints_known(std::span<const PastAttempt> history, const PastAttempt& attempt);

/// What the sub-agent is asked: module, candidate, table of steps; with pictures where its model takes them.
Prompt hints_prompt(const Task& task, const PastAttempt& attempt, int number, const PromptFacts& facts,
                    const Model& model);

/// The measurements alone, for who has no sub-agent.
std::string measurements(const PastAttempt& attempt);

}  // namespace burnish
