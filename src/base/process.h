#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

/// Child processes: started with chosen descriptors in a session and process group of their own, ended by type, output
/// capped.
namespace burnish {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// An open descriptor, closed at the end of its life. -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }
  void reset();

 private:
  int fd_ = -1;
};

/// How a process ended. Out of memory means: killed by the kernel (SIGKILL that nobody here sent).
struct Exited {
  int code;
};
struct Signalled {
  int signal;
};
struct TimedOut {
  double seconds;
};
struct OutOfMemory {};
using Exit = std::variant<Exited, Signalled, TimedOut, OutOfMemory>;

/// "exit status 3", "signal 11 (Segmentation fault)", "no end after 5.0 s", "out of memory".
std::string describe(const Exit& exit);
bool succeeded(const Exit& exit);

/// Resource limits of a child (setrlimit); absent means inherited. Core files are never written.
struct Limits {
  std::optional<std::uint64_t> data_bytes;   ///< RLIMIT_DATA: private writable memory, mapped or not yet touched
  std::optional<std::uint64_t> file_bytes;   ///< RLIMIT_FSIZE: one file
  std::optional<std::uint64_t> cpu_seconds;  ///< RLIMIT_CPU
  std::optional<std::uint64_t> open_files;   ///< RLIMIT_NOFILE
  std::optional<std::uint64_t> processes;    ///< RLIMIT_NPROC: of the user that the child runs as; nothing for root
};

struct SpawnOptions {
  std::vector<std::string> argv;                ///< argv[0] is looked up in PATH
  std::optional<std::vector<std::string>> env;  ///< "NAME=value"; absent inherits ours
  std::string directory;                        ///< empty: ours
  std::vector<std::pair<int, int>> fds;  ///< {ours, the child's}; 0 to 2 default to /dev/null, all others are closed
  Limits limits;
  /// Runs in the child after fork, before exec and limits: only async-signal-safe calls. Returns the name of the call
  /// that failed (errno says why) or null.
  std::function<const char*()> prepare;
};

/// A child of ours, or an adopted one. Killed with its process group and reaped at the end of the object's life, unless
/// it was waited for.
class Process {
 public:
  Process() = default;
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  ~Process();

  /// A process that another one started for us and waits for: it leads a process group, and on `end` its parent says
  /// how it ended (an int as of waitpid; the end of the stream alone means that the parent died too).
  static Process adopt(pid_t pid, Fd end);

  pid_t pid() const { return pid_; }
  /// Readable in poll() once the process has ended.
  int pidfd() const { return pidfd_.get(); }
  /// The end, if it has come; never blocks.
  std::optional<Exit> poll();
  /// Waits until the deadline, then kills the group and reports TimedOut.
  Exit wait(std::optional<Clock::time_point> deadline = {});
  /// SIGKILL to the whole group; wait() still has to be called (or the destructor).
  void kill();
  void signal_group(int signal) const;

 private:
  friend Result<Process> spawn(const SpawnOptions& options);
  std::optional<int> reap();

  pid_t pid_ = -1;
  Fd pidfd_;  ///< of an adopted process: `end`
  std::optional<Exit> exit_;
  bool killed_ = false, adopted_ = false;
};

/// Starts a child in its own session and process group (no terminal). Its signals and mask are reset. Fails with the
/// call and the reason.
Result<Process> spawn(const SpawnOptions& options);

struct RunOptions : SpawnOptions {
  std::string input;  ///< given on stdin
  double timeout_s = 60;
  std::size_t max_output_bytes = 1 << 20;  ///< of stdout and stderr each; the rest is read and dropped
  std::function<void(int group)> started;  ///< told the process group once the child runs, to stop and continue it
  std::vector<std::pair<int, std::string*>> capture;  ///< further descriptors of the child to collect, capped the same
};

struct Finished {
  Exit exit;
  std::string out, err;
  bool truncated = false;  ///< some output was dropped
  double seconds = 0;
};

/// Starts a child, feeds and drains it, and waits for its end; when it ends, what is left of its group is killed.
Result<Finished> run(RunOptions options);

/// Waits for descriptors with one deadline each round; callbacks may add and remove. The only poll() of a program.
class PollLoop {
 public:
  using Callback = std::function<void(short events)>;
  void add(int fd, short events, Callback callback);
  void remove(int fd);
  bool empty() const { return entries_.empty(); }
  /// One poll(): runs the callbacks of ready descriptors. False if nothing happened before the timeout (negative:
  /// none).
  bool step(double timeout_s);

 private:
  struct Entry {
    int fd;
    short events;
    Callback callback;
  };
  std::vector<Entry> entries_;
};

struct Pipe {
  Fd read, write;
};
Result<Pipe> make_pipe();
/// A connected pair of stream sockets, closed on exec.
Result<std::pair<Fd, Fd>> make_socketpair();
/// An error that names a system call, with errno's text.
std::unexpected<Error> system_failure(std::string_view call, std::string where = {}, std::string todo = {});

}  // namespace burnish
