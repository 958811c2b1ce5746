#pragma once
#include <filesystem>

#include "store/store.h"
#include "swarm/builder.h"
#include "swarm/supervisor.h"

namespace burnish {

/// Writes a winner as a folder that `burnish.load(model, folder)` takes (docs/deploy.md): plan or recipe, sources,
/// compiled kernels, constants, and burnish.json with hashes, the verdict, and what it was measured on. The folder
/// appears whole or not at all; one that was written by Burnish before is replaced, any other that is not empty is
/// refused.
Status deploy(const Store& store, const RunRecord& run, const ProblemRecord& problem, const Outcome& outcome,
              Builder& builder, const std::filesystem::path& folder);

/// Compiles the kernels of a deployed folder again, in place, for the machine that `host` describes, and says so in its
/// manifest.
Status rebuild(Builder& builder, const std::filesystem::path& folder, const json& host);

/// Whether deploy() may write there; for asking before hours of work.
Status can_deploy(const std::filesystem::path& folder);

}  // namespace burnish
