#pragma once
#include <filesystem>
#include <string>
#include <utility>

#include "agents/agent.h"
#include "agents/prompt.h"

/// Context configurations of a language model: what its prompt holds beyond the problem. An agent's name says which:
/// "claude-opus-4" (plain) or "claude-opus-4@reference".
namespace burnish {

/// The contexts: plain; reference; profile (hints.h); both of the last two.
bool has_profile(const std::string& context);

/// A name's parts: who answers, and the context ("plain" where the name has none).
std::pair<std::string, std::string> split_context(const std::string& agent);

/// The names of `agents` in each of the `contexts`; built-in agents have none and stay as they are. Fails on a context
/// that is none.
Result<std::vector<std::string>> in_contexts(const std::vector<std::string>& agents,
                                             const std::vector<std::string>& contexts);

/// The user's file as a reference; refuses one that is too long for a prompt.
Result<Reference> read_reference(const std::filesystem::path& file);

/// Says which device the answer is for, where it is not this machine's processor.
void add_device(PromptFacts& facts, const std::string& target);

/// Adds what the context says from the start: for `reference` and `both` the optimised implementation given, else the
/// verified winner that the task has, else what the built-in compiler makes of the plan (for Metal in CUDA). Nothing is
/// added where there is no plan to compile.
Status add_context(PromptFacts& facts, const std::string& context, const Task& task,
                   const std::optional<Reference>& reference);

}  // namespace burnish
