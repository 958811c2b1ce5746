#include "base/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

namespace burnish {
namespace {

std::string read_small(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char buffer[4096];
  const auto got = read(fd, buffer, sizeof buffer);
  close(fd);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

/// State letter and parent from the text of a stat file; the command in it may hold anything, so read from its end.
struct Stat {
  char state = 0;
  pid_t parent = 0;
};
Stat parse_stat(const std::string& text) {
  const auto end = text.rfind(") ");
  if (end == std::string::npos || end + 4 >= text.size()) return {};
  return {text[end + 2], static_cast<pid_t>(atoi(text.c_str() + end + 4))};
}

template <class F>
void each_number_in(const std::string& folder, const F& f) {
  DIR* dir = opendir(folder.c_str());
  if (!dir) return;
  while (const dirent* entry = readdir(dir))
    if (const int number = atoi(entry->d_name); number > 0) f(number);
  closedir(dir);
}

/// Every thread has stopped, or is dead.
bool stopped(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  bool all = true;
  each_number_in(tasks, [&](int task) {
    const char state = parse_stat(read_small(tasks + "/" + std::to_string(task) + "/stat")).state;
    all &= state == 'T' || state == 't' || state == 'Z' || state == 'X' || state == 0;
  });
  return all;
}

}  // namespace

std::vector<TreeMember> process_tree(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  bool found = false;
  each_number_in("/proc", [&](int pid) {
    const auto stat = parse_stat(read_small("/proc/" + std::to_string(pid) + "/stat"));
    if (stat.state && stat.state != 'Z') children.emplace(stat.parent, pid);
    found |= pid == root && stat.state;
  });
  std::vector<TreeMember> tree;
  if (found) tree.push_back({root, 0});
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [begin, end] = children.equal_range(tree[i].pid);
    for (auto it = begin; it != end; ++it) tree.push_back({it->second, tree[i].depth + 1});
  }
  return tree;
}

bool freeze_tree(pid_t root, int depth, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::set<pid_t> seen;
  for (;;) {
    bool fresh = false;
    for (const auto& member : process_tree(root))
      if (member.depth >= depth && seen.insert(member.pid).second) {
        kill(member.pid, SIGSTOP);
        fresh = true;
      }
    const bool all = std::ranges::all_of(seen, stopped);
    if (all && !fresh) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (!all) std::this_thread::yield();
  }
}

bool freeze_process(pid_t pid, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  kill(pid, SIGSTOP);
  while (!stopped(pid)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

void thaw_tree(pid_t root, int depth) {
  for (const auto& member : process_tree(root))
    if (member.depth >= depth) kill(member.pid, SIGCONT);
}

std::optional<pid_t> find_inner_pid(pid_t root, pid_t inner) {
  for (const auto& member : process_tree(root)) {
    const auto ids = status_field(member.pid, "NSpid").value_or("");
    const auto last = ids.find_last_of(" \t");
    if (atoi(ids.c_str() + (last == std::string::npos ? 0 : last + 1)) == inner) return member.pid;
  }
  return {};
}

std::optional<std::string> status_field(pid_t pid, const std::string& name) {
  const auto text = "\n" + read_small("/proc/" + std::to_string(pid) + "/status");
  const auto at = text.find("\n" + name + ":");
  if (at == std::string::npos) return {};
  auto begin = text.find_first_not_of(" \t", at + name.size() + 2);
  return text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace burnish
