#include "base/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/seccomp.h"

namespace fs = std::filesystem;

namespace burnish {
namespace {

constexpr const char* staging = "/mnt";  // any folder of every Linux system: a private tmpfs is put over it

/// A path to show inside: where it really lies, where it is put so that the dropped user can reach it, its name inside.
struct Binding {
  std::string source, staged, name;
  bool folder;
};

std::string find_bwrap() {
  const char* path = getenv("PATH");
  std::string rest = path ? path : "/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= rest.size();) {
    const auto end = std::min(rest.find(':', begin), rest.size());
    const auto candidate = rest.substr(begin, end - begin) + "/bwrap";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

/// In the child: where memory runs out the kernel ends candidates and compilers first, and not who judges them (many
/// processes of a candidate can fill memory together, each within its own limit). Async-signal-safe.
void volunteer_for_the_oom_killer() {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto put = write(fd, "1000", 4);
  close(fd);
}

/// In the child, as root: a mount namespace of its own in which every binding has a name that an ordinary user can
/// reach (a Python under /root is closed to others), then a user that owns nothing. Async-signal-safe.
const char* stage_and_drop(const std::vector<Binding>& bindings) {
  if (unshare(CLONE_NEWNS) != 0) return "unshare(CLONE_NEWNS)";
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mount(MS_PRIVATE)";
  if (mount("tmpfs", staging, "tmpfs", 0, "mode=755,size=1m") != 0) return "mount(tmpfs)";
  for (const auto& b : bindings) {
    if (b.folder) {
      if (mkdir(b.staged.c_str(), 0755) != 0) return "mkdir(staging)";
    } else {
      const int fd = open(b.staged.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      if (fd < 0) return "open(staging)";
      close(fd);
    }
    if (mount(b.source.c_str(), b.staged.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return "mount(MS_BIND)";
  }
  // One user a sandbox, so that RLIMIT_NPROC counts this one's processes alone and sandboxes cannot signal each other.
  const uid_t own = 2'000'000'000U + static_cast<uid_t>(getpid()) % 100'000'000U, nobody = 65534;
  if (setgroups(0, nullptr) != 0) return "setgroups";
  if (setresgid(own, own, own) != 0 && setresgid(nobody, nobody, nobody) != 0) return "setresgid";
  if (setresuid(own, own, own) != 0 && setresuid(nobody, nobody, nobody) != 0) return "setresuid";
  return nullptr;
}

Result<Fd> memory_file(const std::string& content) {
  Fd fd(memfd_create("burnish-file", MFD_CLOEXEC));
  if (!fd) return system_failure("memfd_create", "sandbox");
  for (std::size_t done = 0; done < content.size();) {
    const auto put = write(fd.get(), content.data() + done, content.size() - done);
    if (put <= 0) return system_failure("write", "sandbox");
    done += static_cast<std::size_t>(put);
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

/// /dev/nvidiactl, /dev/nvidia0, /dev/nvidia-uvm ...
std::vector<std::string> gpu_devices() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev", error))
    if (entry.path().filename().string().starts_with("nvidia")) found.push_back(entry.path().string());
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> environment(const SandboxOptions& options) {
  std::vector<std::string> env = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "TMPDIR=/tmp", "USER=burnish"};
  for (const auto& [name, value] : options.env) {
    std::erase_if(env, [&](const std::string& e) { return e.starts_with(name + "="); });
    env.push_back(name + "=" + value);
  }
  return env;
}

/// Drops paths inside another of the list and what /usr shows anyway; keeps names as given, sources resolved.
Result<std::vector<Binding>> bindings(const SandboxOptions& options) {
  std::vector<fs::path> names;
  for (const auto& path : options.readable) {
    const auto name = fs::absolute(path).lexically_normal();
    if (name != "/" && !name.string().starts_with("/usr/") && std::ranges::find(names, name) == names.end())
      names.push_back(name);
  }
  std::ranges::sort(names);
  std::vector<Binding> result;
  for (const auto& name : names) {
    if (!result.empty() && result.back().folder && name.string().starts_with(result.back().name + "/") &&
        !fs::is_symlink(name))
      continue;
    std::error_code error;
    const auto source = fs::canonical(name, error);
    if (error) return fail("a path that the sandbox should show does not exist", name.string(), "", "environment");
    const auto needed =
        fs::is_directory(source) ? fs::perms::others_read | fs::perms::others_exec : fs::perms::others_read;
    if (geteuid() == 0 && (fs::status(source).permissions() & needed) != needed)
      return fail("root's sandboxes run as an ordinary user, who may not read this path", source.string(),
                  "chmod -R o+rX it, or keep the files elsewhere", "environment");
    result.push_back(
        {source.string(), fmt::format("{}/{}", staging, result.size()), name.string(), fs::is_directory(source)});
  }
  return result;
}

}  // namespace

Result<Confined> confine(const SandboxOptions& options) {
  const auto bwrap = find_bwrap();
  if (bwrap.empty())
    return fail("bubblewrap (bwrap) is not installed: untrusted code cannot be confined", "sandbox",
                "install the package bubblewrap, or pass --no-sandbox to run candidates unconfined", "environment");
  TRY(binds, bindings(options));
  const bool root = geteuid() == 0;
  Confined confined;
  auto& argv = confined.spawn.argv;
  const auto add = [&](auto... words) { (argv.push_back(words), ...); };
  int next_fd = 100;  // descriptors for bwrap itself, above those of the program
  const auto pass = [&](Fd fd) {
    confined.spawn.fds.emplace_back(fd.get(), ++next_fd);
    confined.keep.push_back(std::move(fd));
    return std::to_string(next_fd);
  };

  add(bwrap, "--unshare-all", "--die-with-parent", "--hostname", "burnish", "--ro-bind", "/usr", "/usr");
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    std::error_code error;
    if (fs::is_symlink(name, error))
      add("--symlink", fs::read_symlink(name, error).string(), name);
    else if (fs::exists(name, error))
      add("--ro-bind", name, name);
  }
  for (const char* name : {"/etc/alternatives", "/etc/ld.so.cache"}) add("--ro-bind-try", name, name);
  if (options.proc_and_dev) {
    // PyTorch chooses its vector instructions with the help of /sys/devices/system/cpu.
    for (const char* name : {"/sys/devices/system/cpu", "/sys/devices/system/node"}) add("--ro-bind-try", name, name);
    add("--proc", "/proc", "--dev", "/dev");
    if (options.gpu)
      for (const auto& device : gpu_devices()) add("--dev-bind", device, device);
    add("--remount-ro", "/dev");
  }
  add("--size", std::to_string(options.tmp_bytes), "--perms", "1777", "--tmpfs", "/tmp");
  for (const auto& b : binds) add("--ro-bind", root ? b.staged : b.source, b.name);
  for (const auto& [name, content] : options.files) {
    TRY(file, memory_file(content));
    add("--perms", "0444", "--file", pass(std::move(file)), name);
  }
  add("--remount-ro", "/", "--clearenv");
  for (const auto& e : environment(options)) add("--setenv", e.substr(0, e.find('=')), e.substr(e.find('=') + 1));
  TRY(filter, export_filter(options.gpu ? Filter::confined_gpu : Filter::confined));
  add("--chdir", options.directory, "--seccomp", pass(std::move(filter)), "--");
  argv.insert(argv.end(), options.argv.begin(), options.argv.end());
  confined.spawn.fds.insert(confined.spawn.fds.end(), options.fds.begin(), options.fds.end());
  confined.spawn.limits = options.limits;
  // bwrap stays as process 1 inside, where its environment can be read in /proc: the user's keys must not be in it.
  confined.spawn.env = std::vector<std::string>{};
  if (root) {
    confined.spawn.prepare = [binds = std::move(binds)] {
      volunteer_for_the_oom_killer();
      return stage_and_drop(binds);
    };
  } else {
    confined.spawn.prepare = []() -> const char* {
      volunteer_for_the_oom_killer();
      return nullptr;
    };
    confined.spawn.limits.processes.reset();  // would count all of the user's own processes; workers set it inside
  }
  return confined;
}

SpawnOptions unconfined(const SandboxOptions& options) {
  SpawnOptions spawn;
  spawn.argv = options.argv;
  spawn.env = environment(options);
  spawn.directory = options.directory;
  spawn.fds = options.fds;
  spawn.limits = options.limits;
  spawn.limits.processes.reset();
  return spawn;
}

Status try_sandbox() {
  SandboxOptions options;
  options.argv = {"/bin/true"};
  TRY(confined, confine(options));
  RunOptions run_options;
  static_cast<SpawnOptions&>(run_options) = confined.spawn;
  run_options.timeout_s = 10;
  TRY(finished, run(run_options));
  if (succeeded(finished.exit)) return {};
  return fail(
      "the sandbox does not work here: " + describe(finished.exit), finished.err.substr(0, 500),
      "allow user namespaces for bubblewrap (sysctl kernel.unprivileged_userns_clone or the AppArmor profile of "
      "bwrap), or pass --no-sandbox to run candidates unconfined",
      "environment");
}

}  // namespace burnish
