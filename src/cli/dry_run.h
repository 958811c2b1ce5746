#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "agents/asker.h"

namespace burnish {

/// For `--dry-run`: what stands in the place of everything that asks models. Shows what would be sent for `problem`,
/// whole, on stdout, or as files PROBLEM/AGENT.request.txt (and .prompt.md, for people) in `folder`, and asks nobody.
std::function<std::unique_ptr<Asker>(const std::string& agent, std::unique_ptr<Asker> asker)> show_requests(
    std::string problem, std::filesystem::path folder);

}  // namespace burnish
