#pragma once
#include <memory>

#include "swarm/watcher.h"

namespace burnish {

/// Draws a run on stderr: a live line with a bar on a terminal, plain lines otherwise. With `json_lines` every verdict
/// is a line on stdout as well.
std::unique_ptr<Watcher> make_progress(bool json_lines);

}  // namespace burnish
