#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"

/// The client of a fork server: a process that has done an expensive start once (`import torch`) and forks a copy of
/// itself for each request (python/burnish/nursery.py).
namespace burnish {

/// Asks the fork server behind `nursery` (a SOCK_SEQPACKET socket; several threads and processes may share it) for a
/// child that gets `fds` ({ours, the child's}) and is told `request`. The child leads a process group of its own and
/// dies with the server, and when the returned Process does.
Result<Process> fork_from(int nursery, json request, const std::vector<std::pair<int, int>>& fds, double timeout_s);

}  // namespace burnish
