#pragma once
#include <memory>
#include <string>

#include "cli/flags.h"
#include "store/store.h"
#include "swarm/judge_process.h"
#include "swarm/watcher.h"

namespace burnish {

/// The store that the flags name.
Result<std::unique_ptr<Store>> open_store(const CommonFlags& flags);

/// The Python that hosts judges: $BURNISH_PYTHON, else python3 beside this executable, else python3 on PATH.
Result<std::filesystem::path> find_python();

/// How to start a judge whose output goes into the store's log of that run and problem.
Result<JudgeConnection> judge_connection(const Store& store, const std::string& run, const std::string& problem);

/// What a run was measured on.
json describe_host(const std::string& target = "cpu");

}  // namespace burnish
