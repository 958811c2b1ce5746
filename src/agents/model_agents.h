#pragma once
#include <memory>
#include <string>

#include "agents/agent.h"

namespace burnish {

/// The language model of that name as an agent: a row of models.toml (the shipped ones and the user's own), or
/// "command:PROGRAM" for any program that reads a prompt on stdin and writes an answer on stdout. Fails with the names
/// that there are. A missing key is found out when the agent is first asked, so that the others go on.
Result<std::unique_ptr<Agent>> make_model_agent(const std::string& name);

}  // namespace burnish
