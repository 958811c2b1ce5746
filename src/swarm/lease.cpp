#include "swarm/lease.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace burnish {
namespace {

/// Parent -> children of all processes that we may see.
std::multimap<int, int> process_tree() {
  std::multimap<int, int> tree;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream in(entry.path() / "stat");
    std::string line;
    std::getline(in, line);
    // "pid (any name) state ppid ..."
    const auto end = line.rfind(") ");
    if (end == std::string::npos || line.size() < end + 5) continue;
    tree.emplace(std::atoi(line.c_str() + end + 4), std::atoi(name.c_str()));
  }
  return tree;
}

void collect(const std::multimap<int, int>& tree, int parent, int spared, std::vector<int>& found) {
  const auto [begin, end] = tree.equal_range(parent);
  for (auto it = begin; it != end; ++it) {
    if (it->second == spared) continue;
    found.push_back(it->second);
    collect(tree, it->second, spared, found);
  }
}

void signal_descendants(int spared, int signal) {
  std::vector<int> found;
  collect(process_tree(), ::getpid(), spared, found);
  for (const int pid : found) ::kill(pid, signal);
}

}  // namespace

void Lease::take() {
  const std::lock_guard lock(mutex_);
  taken_ = true;
  // Twice: what was being forked during the first look is there in the second.
  signal_descendants(judge_pid_, SIGSTOP);
  signal_descendants(judge_pid_, SIGSTOP);
}

void Lease::give() {
  {
    const std::lock_guard lock(mutex_);
    if (!taken_) return;
    taken_ = false;
    signal_descendants(judge_pid_, SIGCONT);
  }
  given_.notify_all();
}

void Lease::wait() {
  std::unique_lock lock(mutex_);
  given_.wait(lock, [&] { return !taken_; });
}

}  // namespace burnish
