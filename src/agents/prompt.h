#pragma once
#include <span>
#include <string>

#include "agents/agent.h"
#include "providers/provider.h"

namespace burnish {

/// What a prompt says beyond the task: facts of the machine, and what a context adds (empty: nothing).
struct PromptFacts {
  std::string device, compiler;
  int threads = 1, attempts = 5;
  std::string reference, reference_kind;  ///< an optimised implementation for another target
  std::string hints;                      ///< from the profile context
  int hints_for = 0;                      ///< the attempt that was measured for them
  std::string best;                       ///< the best known so far, in words
};

/// The prompt for the next attempt: the fixed part (the same for every problem of a target, so that services can cache
/// it), the problem, and the attempts so far with what each earned. The history is trimmed to the model's window: the
/// best accepted attempt and the last one always stay. Templates: prompts/<target>/.
Result<Prompt> make_prompt(const Task& task, std::span<const PastAttempt> history, const PromptFacts& facts,
                           const Model& model);

/// A proposal as the answer format writes it: one fenced block a file.
std::string as_answer(const Proposal& proposal);

/// What a past attempt earned, in the words of the next prompt: reason, where, by how much, and what to do.
std::string feedback(const PastAttempt& attempt, int attempts);

/// The file of a proposal that keeps a model's whole answer, so that the next prompt can quote it.
inline constexpr const char* answer_file = "answer.md";

}  // namespace burnish
