#include "base/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace burnish {
namespace {

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

/// What no sandboxed program needs. A name that this machine's libseccomp does not know is skipped.
constexpr const char* forbidden[] = {"ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "process_madvise",
                                     "kcmp",
                                     "pidfd_getfd",
                                     "bpf",
                                     "perf_event_open",
                                     "userfaultfd",
                                     "io_uring_setup",
                                     "io_uring_enter",
                                     "io_uring_register",
                                     "keyctl",
                                     "add_key",
                                     "request_key",
                                     "mount",
                                     "umount2",
                                     "pivot_root",
                                     "chroot",
                                     "move_mount",
                                     "open_tree",
                                     "fsopen",
                                     "fsmount",
                                     "fsconfig",
                                     "fspick",
                                     "mount_setattr",
                                     "unshare",
                                     "setns",
                                     "open_by_handle_at",
                                     "name_to_handle_at",
                                     "kexec_load",
                                     "kexec_file_load",
                                     "init_module",
                                     "finit_module",
                                     "delete_module",
                                     "reboot",
                                     "swapon",
                                     "swapoff",
                                     "acct",
                                     "quotactl",
                                     "syslog",
                                     "personality",
                                     "iopl",
                                     "ioperm",
                                     "modify_ldt",
                                     "vm86",
                                     "vm86old",
                                     "lookup_dcookie",
                                     "nfsservctl",
                                     "settimeofday",
                                     "clock_settime",
                                     "adjtimex",
                                     "clock_adjtime",
                                     "sethostname",
                                     "setdomainname",
                                     "socket",
                                     "connect",
                                     "bind",
                                     "listen",
                                     "accept",
                                     "accept4",
                                     "shmget",
                                     "shmat",
                                     "shmctl",
                                     "shmdt",
                                     "semget",
                                     "semop",
                                     "semctl",
                                     "msgget",
                                     "msgsnd",
                                     "msgrcv",
                                     "msgctl",
                                     "mq_open",
                                     "fanotify_init",
                                     "memfd_create",  // memory that no limit counts: not a process's own, not /tmp's
                                     "memfd_secret"};

/// What a candidate that runs does not need either.
constexpr const char* forbidden_when_running[] = {"fork",
                                                  "vfork",
                                                  "clone",
                                                  "clone3",
                                                  "execve",
                                                  "execveat",
                                                  "socketpair",
                                                  "tkill",
                                                  "pidfd_open",
                                                  "pidfd_send_signal",
                                                  "rt_sigqueueinfo",
                                                  "rt_tgsigqueueinfo",
                                                  "setrlimit",
                                                  "setpgid",
                                                  "setsid",
                                                  "setuid",
                                                  "setgid",
                                                  "setresuid",
                                                  "setresgid",
                                                  "setpriority",
                                                  "sched_setscheduler",
                                                  "sched_setattr",
                                                  "timer_create",
                                                  "mbind",
                                                  "set_mempolicy",
                                                  "migrate_pages",
                                                  "move_pages",
                                                  "landlock_create_ruleset",
                                                  "inotify_init",
                                                  "inotify_init1",
                                                  "ftruncate",
                                                  "fallocate",
                                                  "sendfile",
                                                  "splice",
                                                  "tee",
                                                  "vmsplice",
                                                  "copy_file_range"};

/// All that a plan's worker does while it loads kernels and runs: memory, waiting, its own descriptors, reading files.
constexpr const char* allowed_in_plan[] = {"read",
                                           "write",
                                           "readv",
                                           "writev",
                                           "pread64",
                                           "close",
                                           "fstat",
                                           "newfstatat",
                                           "stat",
                                           "lstat",
                                           "statx",
                                           "lseek",
                                           "access",
                                           "faccessat",
                                           "faccessat2",
                                           "readlink",
                                           "readlinkat",
                                           "getcwd",
                                           "getdents64",
                                           "munmap",
                                           "mprotect",
                                           "mremap",
                                           "madvise",
                                           "brk",
                                           "futex",
                                           "sched_yield",
                                           "sched_getaffinity",
                                           "sched_setaffinity",
                                           "getcpu",
                                           "clock_gettime",
                                           "clock_getres",
                                           "clock_nanosleep",
                                           "nanosleep",
                                           "gettimeofday",
                                           "time",
                                           "getpid",
                                           "gettid",
                                           "getppid",
                                           "getuid",
                                           "geteuid",
                                           "getgid",
                                           "getegid",
                                           "rt_sigaction",
                                           "rt_sigprocmask",
                                           "rt_sigreturn",
                                           "sigaltstack",
                                           "exit",
                                           "exit_group",
                                           "poll",
                                           "ppoll",
                                           "select",
                                           "pselect6",
                                           "getrandom",
                                           "membarrier",
                                           "rseq",
                                           "set_robust_list",
                                           "uname",
                                           "sysinfo",
                                           "getrusage",
                                           "dup",
                                           "restart_syscall",
                                           "mincore",
                                           "msync",
                                           "get_mempolicy",
                                           "set_tid_address",
                                           "arch_prctl"};

struct Builder {
  Context context;
  int error = 0;

  template <class... Comparisons>
  void rule(std::uint32_t action, const char* name, Comparisons... comparisons) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0) return;
    const int e = seccomp_rule_add(context.get(), action, number, sizeof...(comparisons), comparisons...);
    if (e != 0 && e != -EEXIST && e != -EACCES && error == 0) error = e;  // EACCES: the rule is the default action
  }
};

/// Of `forbidden`, what CUDA's driver calls.
constexpr std::string_view used_by_cuda[] = {"socket", "connect", "bind",        "listen",
                                             "accept", "accept4", "memfd_create"};

void add_confined(Builder& b, bool gpu) {
  const auto refuse = SCMP_ACT_ERRNO(EPERM);
  for (const char* name : forbidden)
    if (!gpu || std::ranges::find(used_by_cuda, name) == std::end(used_by_cuda)) b.rule(refuse, name);
  b.rule(SCMP_ACT_ERRNO(ENOSYS), "clone3");  // its flags cannot be seen; libraries fall back to clone
  for (const std::uint64_t flag :
       {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET})
    b.rule(refuse, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
  b.rule(refuse, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xFFFFFFFF, TIOCSTI));
  if (gpu) return;
  // Shared anonymous memory does not count against RLIMIT_DATA.
  b.rule(refuse, "mmap", SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS));
}

void add_running_model(Builder& b) {
  const auto refuse = SCMP_ACT_ERRNO(EPERM);
  for (const char* name : forbidden_when_running) b.rule(refuse, name);
  const auto self = static_cast<std::uint64_t>(getpid());
  b.rule(refuse, "kill", SCMP_A0(SCMP_CMP_NE, self));
  b.rule(refuse, "tgkill", SCMP_A0(SCMP_CMP_NE, self));
  b.rule(refuse, "prlimit64", SCMP_A2(SCMP_CMP_NE, 0));
}

void add_running_plan(Builder& b) {
  const auto self = static_cast<std::uint64_t>(getpid());
  for (const char* name : allowed_in_plan) b.rule(SCMP_ACT_ALLOW, name);
  b.rule(SCMP_ACT_ALLOW, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY));
  b.rule(SCMP_ACT_ALLOW, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY));
  b.rule(SCMP_ACT_ALLOW, "mmap", SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_ANONYMOUS, 0));
  b.rule(SCMP_ACT_ALLOW, "mmap", SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_ANONYMOUS, MAP_ANONYMOUS));
  b.rule(SCMP_ACT_ALLOW, "kill", SCMP_A0(SCMP_CMP_EQ, self));
  b.rule(SCMP_ACT_ALLOW, "tgkill", SCMP_A0(SCMP_CMP_EQ, self));
  b.rule(SCMP_ACT_ALLOW, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0));
  b.rule(SCMP_ACT_ALLOW, "fcntl", SCMP_A1(SCMP_CMP_EQ, F_GETFL));
  b.rule(SCMP_ACT_ALLOW, "fcntl", SCMP_A1(SCMP_CMP_EQ, F_GETFD));
  b.rule(SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
  for (const char* name :
       {"fork", "vfork", "execve", "execveat", "socket", "socketpair", "connect", "ptrace", "process_vm_readv",
        "process_vm_writev", "unshare", "setns", "mount", "bpf", "memfd_create", "io_uring_setup"})
    b.rule(SCMP_ACT_KILL_PROCESS, name);
}

Result<Builder> build(Filter filter) {
  const auto unlisted = filter == Filter::running_plan ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW;
  Builder b{Context(seccomp_init(unlisted), &seccomp_release)};
  if (!b.context)
    return fail("seccomp_init failed", "sandbox", "is libseccomp installed for this machine?", "environment");
  seccomp_attr_set(b.context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree: cheaper calls with long lists
  switch (filter) {
    case Filter::confined:
      add_confined(b, false);
      break;
    case Filter::confined_gpu:
      add_confined(b, true);
      break;
    case Filter::running_model:
      add_running_model(b);
      break;
    case Filter::running_plan:
      add_running_plan(b);
      break;
  }
  if (b.error != 0) {
    errno = -b.error;
    return system_failure("seccomp_rule_add", "sandbox");
  }
  return b;
}

}  // namespace

Result<Fd> export_filter(Filter filter) {
  TRY(b, build(filter));
  Fd fd(memfd_create("burnish-seccomp", MFD_CLOEXEC));
  if (!fd) return system_failure("memfd_create", "sandbox");
  if (const int e = seccomp_export_bpf(b.context.get(), fd.get()); e != 0) {
    errno = -e;
    return system_failure("seccomp_export_bpf", "sandbox");
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

Status install_filter(Filter filter) {
  TRY(b, build(filter));
  seccomp_attr_set(b.context.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (const int e = seccomp_load(b.context.get()); e != 0) {
    errno = -e;
    return system_failure("seccomp_load", "sandbox", "this kernel has no seccomp filters; use --no-sandbox");
  }
  return {};
}

}  // namespace burnish
