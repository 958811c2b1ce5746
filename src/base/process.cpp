#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

extern char** environ;

namespace burnish {
namespace {

/// What the child tells through the error pipe when it cannot start the program.
struct StartFailure {
  int error;
  char call[60];
};

void set_limit(__rlimit_resource which, const std::optional<std::uint64_t>& value) {
  if (!value) return;
  rlimit limit{static_cast<rlim_t>(*value), static_cast<rlim_t>(*value)};
  if (which == RLIMIT_CPU) limit.rlim_max = *value + 2;  // SIGXCPU first, SIGKILL if it is ignored
  rlimit old{};
  if (getrlimit(which, &old) == 0 && old.rlim_max != RLIM_INFINITY) {
    limit.rlim_cur = std::min(limit.rlim_cur, old.rlim_max);
    limit.rlim_max = std::min(limit.rlim_max, old.rlim_max);
  }
  setrlimit(which, &limit);
}

void set_limits(const Limits& limits) {
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_DATA, limits.data_bytes);
  set_limit(RLIMIT_FSIZE, limits.file_bytes);
  set_limit(RLIMIT_CPU, limits.cpu_seconds);
  set_limit(RLIMIT_NOFILE, limits.open_files);
  set_limit(RLIMIT_NPROC, limits.processes);
}

/// In the child: moves the wanted descriptors out of the way, marks everything close-on-exec, puts them in place.
const char* place_descriptors(const std::pair<int, int>* fds, int* moved, std::size_t count, int error_fd) {
  int floor = error_fd + 1;
  for (std::size_t i = 0; i < count; ++i) floor = std::max(floor, fds[i].second + 1);
  for (std::size_t i = 0; i < count; ++i)
    if ((moved[i] = fcntl(fds[i].first, F_DUPFD_CLOEXEC, floor)) < 0) return "fcntl(F_DUPFD_CLOEXEC)";
  if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) {
    for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);  // kernels before 5.11
  }
  for (std::size_t i = 0; i < count; ++i)
    if (dup2(moved[i], fds[i].second) < 0) return "dup2";
  return nullptr;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const auto& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::unexpected<Error> system_failure(std::string_view call, std::string where, std::string todo) {
  return fail(fmt::format("{}: {}", call, strerror(errno)), std::move(where), std::move(todo), "environment");
}

Result<Pipe> make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return system_failure("pipe");
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<std::pair<Fd, Fd>> make_socketpair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return system_failure("socketpair");
  return std::pair(Fd(fds[0]), Fd(fds[1]));
}

std::string describe(const Exit& exit) {
  struct Visitor {
    std::string operator()(Exited e) const { return fmt::format("exit status {}", e.code); }
    std::string operator()(Signalled s) const { return fmt::format("signal {} ({})", s.signal, strsignal(s.signal)); }
    std::string operator()(TimedOut t) const { return fmt::format("no end after {:.1f} s", t.seconds); }
    std::string operator()(OutOfMemory) const { return "out of memory"; }
  };
  return std::visit(Visitor{}, exit);
}

bool succeeded(const Exit& exit) {
  const auto* e = std::get_if<Exited>(&exit);
  return e && e->code == 0;
}

Result<Process> spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return fail("no program to start", "spawn", "give argv at least one word");
  TRY(errors, make_pipe());
  auto argv = pointers(options.argv);
  auto env = options.env ? pointers(*options.env) : std::vector<char*>{};
  std::vector<std::pair<int, int>> fds = options.fds;
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int standard = 0; standard < 3; ++standard) {
    const bool given = std::ranges::any_of(fds, [&](const auto& f) { return f.second == standard; });
    if (!given && null) fds.emplace_back(null.get(), standard);
  }
  std::vector<int> moved(fds.size());

  // Signals stay blocked over fork, so that no handler of ours runs in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) {
    StartFailure failure{};
    const auto give_up = [&](const char* call) {
      failure.error = errno;
      strncpy(failure.call, call, sizeof failure.call - 1);
      [[maybe_unused]] const auto written = write(errors.write.get(), &failure, sizeof failure);
      _exit(127);
    };
    setsid();
    for (int s = 1; s < NSIG; ++s) signal(s, SIG_DFL);
    int error_fd = fcntl(errors.write.get(), F_DUPFD_CLOEXEC, 64);
    if (error_fd >= 0) errors.write = Fd(error_fd);
    if (const char* call = place_descriptors(fds.data(), moved.data(), fds.size(), errors.write.get())) give_up(call);
    if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) give_up("chdir");
    if (options.prepare)
      if (const char* call = options.prepare()) give_up(call);
    set_limits(options.limits);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    if (options.env)
      execvpe(argv[0], argv.data(), env.data());
    else
      execvp(argv[0], argv.data());
    give_up("exec");
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return system_failure("fork", options.argv[0]);
  Process process;
  process.pid_ = pid;
  process.pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  errors.write.reset();
  StartFailure failure{};
  ssize_t got;
  do got = read(errors.read.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got == sizeof failure) {
    process.wait();
    errno = failure.error;
    return system_failure(failure.call, options.argv[0],
                          failure.error == ENOENT ? "install it, or give its full path" : "");
  }
  return process;
}

Process::Process(Process&& o) noexcept
    : pid_(std::exchange(o.pid_, -1)),
      pidfd_(std::move(o.pidfd_)),
      exit_(o.exit_),
      killed_(o.killed_),
      adopted_(o.adopted_) {}

Process& Process::operator=(Process&& o) noexcept {
  if (this != &o) {
    this->~Process();
    new (this) Process(std::move(o));
  }
  return *this;
}

Process::~Process() {
  if (pid_ <= 0 || exit_) return;
  kill();
  wait();
}

void Process::signal_group(int signal) const {
  if (pid_ > 0 && !exit_) ::kill(-pid_, signal);
}

void Process::kill() {
  if (pid_ <= 0 || exit_) return;
  killed_ = true;
  ::kill(-pid_, SIGKILL);
}

Process Process::adopt(pid_t pid, Fd end) {
  Process process;
  process.pid_ = pid;
  process.pidfd_ = std::move(end);
  process.adopted_ = true;
  return process;
}

/// The status as of waitpid once the process has ended.
std::optional<int> Process::reap() {
  int status = 0;
  if (adopted_) {
    ssize_t got;
    do got = recv(pidfd_.get(), &status, sizeof status, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return {};
    return got == sizeof status ? status : SIGKILL;
  }
  pid_t got;
  do got = waitpid(pid_, &status, WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got == 0) return {};
  return got < 0 ? 0 : status;  // reaped elsewhere (SIGCHLD ignored): the status is lost
}

std::optional<Exit> Process::poll() {
  if (exit_ || pid_ <= 0) return exit_;
  const auto status = reap();
  if (!status) return {};
  ::kill(-pid_, SIGKILL);  // what it left behind in its group
  if (WIFEXITED(*status))
    exit_ = Exited{WEXITSTATUS(*status)};
  else if (WTERMSIG(*status) == SIGKILL && !killed_)
    exit_ = OutOfMemory{};
  else
    exit_ = Signalled{WTERMSIG(*status)};
  return exit_;
}

Exit Process::wait(std::optional<Clock::time_point> deadline) {
  const auto start = Clock::now();
  for (bool timed_out = false;;) {
    if (auto end = poll()) {
      if (timed_out) exit_ = TimedOut{Seconds(Clock::now() - start).count()};
      return *exit_;
    }
    int timeout_ms = -1;
    if (deadline && !timed_out) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      if (left <= 0) {
        timed_out = true;
        kill();
        continue;
      }
      timeout_ms = static_cast<int>(std::min<long>(left, 1'000'000));
    }
    if (pidfd_) {
      pollfd p{pidfd_.get(), POLLIN, 0};
      ::poll(&p, 1, timeout_ms);
    } else {
      usleep(2000);  // kernels before 5.3 have no pidfd
    }
  }
}

void PollLoop::add(int fd, short events, Callback callback) {
  entries_.push_back({fd, events, std::move(callback)});
}

void PollLoop::remove(int fd) {
  std::erase_if(entries_, [fd](const Entry& e) { return e.fd == fd; });
}

bool PollLoop::step(double timeout_s) {
  std::vector<pollfd> set;
  for (const auto& e : entries_) set.push_back({e.fd, e.events, 0});
  const int timeout_ms = timeout_s < 0 ? -1 : static_cast<int>(std::min(timeout_s * 1000 + 0.999, 1e9));
  if (::poll(set.data(), set.size(), timeout_ms) <= 0) return false;
  for (const auto& p : set) {
    if (!p.revents) continue;
    const auto e = std::ranges::find(entries_, p.fd, &Entry::fd);
    if (e == entries_.end()) continue;  // removed by a callback before this one
    const auto callback = e->callback;
    callback(p.revents);
  }
  return true;
}

Result<Finished> run(RunOptions options) {
  const auto start = Clock::now();
  const auto deadline = start + std::chrono::duration_cast<Clock::duration>(Seconds(options.timeout_s));
  Finished finished{Exited{0}, {}, {}};
  PollLoop loop;

  std::vector<Pipe> pipes;
  std::vector<std::pair<int, std::string*>> sinks = {{1, &finished.out}, {2, &finished.err}};
  sinks.insert(sinks.end(), options.capture.begin(), options.capture.end());
  pipes.reserve(sinks.size());
  std::size_t open_sinks = 0;
  for (auto& [child_fd, text] : sinks) {
    TRY(pipe, make_pipe());
    pipes.push_back(std::move(pipe));
    const int fd = pipes.back().read.get();
    options.fds.emplace_back(pipes.back().write.get(), child_fd);
    ++open_sinks;
    loop.add(fd, POLLIN, [&, fd, text = text](short) {
      char buffer[65536];
      const auto got = read(fd, buffer, sizeof buffer);
      if (got == 0 || (got < 0 && errno != EINTR)) {
        loop.remove(fd);
        --open_sinks;
      } else if (got > 0) {
        const auto room = options.max_output_bytes - std::min(options.max_output_bytes, text->size());
        text->append(buffer, std::min<std::size_t>(room, got));
        finished.truncated |= static_cast<std::size_t>(got) > room;
      }
    });
  }
  std::size_t fed = 0;
  std::pair<Fd, Fd> input;  // a socket, so that a child that closes stdin early gives EPIPE and no signal
  if (!options.input.empty()) {
    TRY(pair, make_socketpair());
    input = std::move(pair);
    options.fds.emplace_back(input.second.get(), 0);
    loop.add(input.first.get(), POLLOUT, [&](short) {
      const auto put =
          send(input.first.get(), options.input.data() + fed, options.input.size() - fed, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) fed += static_cast<std::size_t>(put);
      if ((put < 0 && errno != EAGAIN && errno != EINTR) || fed == options.input.size()) {
        loop.remove(input.first.get());
        input.first.reset();
      }
    });
  }

  TRY(process, spawn(options));
  if (options.started) options.started(process.pid());
  for (auto& pipe : pipes) pipe.write.reset();
  input.second.reset();
  bool ended = false;
  if (process.pidfd() >= 0)
    loop.add(process.pidfd(), POLLIN, [&](short) {
      ended = true;
      loop.remove(process.pidfd());
    });
  // After its end (and that of its group) the pipes drain and close at once.
  while (open_sinks > 0 || !ended) {
    const double left = Seconds(deadline - Clock::now()).count();
    if (left <= 0) break;
    const bool need_poll = process.pidfd() < 0;
    loop.step(need_poll ? std::min(left, 0.01) : left);
    if (need_poll || ended) ended = process.poll().has_value();
  }
  finished.exit = process.wait(deadline);
  finished.seconds = Seconds(Clock::now() - start).count();
  return finished;
}

}  // namespace burnish
