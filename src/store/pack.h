#pragma once
#include <filesystem>

#include "store/store.h"

namespace burnish {

/// Writes a run with all that it needs into one file (a tar archive: run.json and the artifacts), for another machine.
Status pack_run(Store& store, const std::string& run, const std::filesystem::path& file);

/// Takes such a file into the store; fails where a run of that name is there. Nothing in the file is trusted: artifacts
/// are named by their contents again.
Result<RunRecord> unpack_run(Store& store, const std::filesystem::path& file);

}  // namespace burnish
