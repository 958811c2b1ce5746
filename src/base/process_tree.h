#pragma once
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Looking at and stopping whole trees of processes, from /proc.
namespace burnish {

struct TreeMember {
  pid_t pid;
  int depth;  ///< 0: the root itself
};

/// The process and all its descendants, parents before children. Empty if it is gone.
std::vector<TreeMember> process_tree(pid_t root);

/// Stops the processes of the tree at `depth` and below, and returns when every thread of them has stopped and no new
/// one appeared. False if that takes longer than the timeout.
bool freeze_tree(pid_t root, int depth, std::chrono::milliseconds timeout);
void thaw_tree(pid_t root, int depth);

/// The same for one process that can have no children.
bool freeze_process(pid_t pid, std::chrono::milliseconds timeout);

/// The process of the tree that has this id in its innermost namespace.
std::optional<pid_t> find_inner_pid(pid_t root, pid_t inner);

/// A line of /proc/PID/status: status_field(pid, "Seccomp").
std::optional<std::string> status_field(pid_t pid, const std::string& name);

}  // namespace burnish
