#include "base/reserve.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace burnish {
namespace {

/// Reserves in a file on a file system of 1 MB, which only root can mount, in a process with mounts of its own: 0 where
/// it could, 1 where not for a reason of the environment, 2 for another, 3 where nothing can be mounted here.
int reserve_on_a_small_disk(std::uint64_t bytes) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", "/tmp", "tmpfs", 0, "size=1m") != 0)
      _exit(3);
    const Fd file(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file || ftruncate(file.get(), 64 << 20) != 0) _exit(3);
    const auto ok = reserve(file, 4096, bytes);
    _exit(ok ? 0 : ok.error().reason == "environment" ? 1 : 2);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Reserve, SaysWhereMemoryIsMissingBeforeAnybodyWritesThere) {
  const int small = reserve_on_a_small_disk(500'000);
  if (small == 3) GTEST_SKIP() << "only root mounts file systems";
  EXPECT_EQ(small, 0);
  EXPECT_EQ(reserve_on_a_small_disk(8'000'000), 1);
}

}  // namespace
}  // namespace burnish
