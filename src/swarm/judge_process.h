#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/process.h"
#include "swarm/judge.h"
#include "swarm/lease.h"

namespace burnish {

/// How to reach the judge. Either a command to start, or the descriptor of a judge that is there (the Python API's
/// process).
struct JudgeConnection {
  std::vector<std::string> command;      ///< "--fd 3" is appended
  std::vector<std::string> environment;  ///< further "NAME=value"
  std::vector<std::string> hidden;       ///< variables of ours that it does not inherit: keys
  int fd = -1;                           ///< of a judge that is there
  std::filesystem::path log;             ///< what the judge and the user's module print
  std::size_t log_bytes = 4 << 20;       ///< the rest is dropped
  double open_seconds = 300;             ///< without a word from the judge while it opens the problem
  double silence_seconds = 600;          ///< the same while it judges
};

/// The client of a judge in a process of its own, over JSON lines (docs/architecture.md). A judge that dies or hangs is
/// started again and asked again, once a candidate; one that takes it down twice earns the verdict "error", reason
/// "environment". To be used by the thread that made it. `scratch` is where the judge may write.
std::unique_ptr<Judge> judge_process(JudgeConnection connection, JudgeOptions options, std::filesystem::path scratch,
                                     Lease& lease,
                                     std::function<void(const std::string& phase, double done, double of)> progress);

}  // namespace burnish
