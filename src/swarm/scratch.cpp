#include "swarm/scratch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace burnish {
namespace fs = std::filesystem;
namespace {

fs::path base_folder() {
  std::error_code ec;
  auto temporary = fs::temp_directory_path(ec);
  return (ec ? fs::path("/tmp") : temporary) / fmt::format("burnish-{}", ::geteuid());
}

/// Removes what processes left that did not live to do it. The lock file of "NAME" is "NAME.lock".
void sweep(const fs::path& base) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(base, ec)) {
    if (entry.path().extension() != ".lock") continue;
    const Fd lock(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC));
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    std::error_code ignored;
    auto folder = entry.path();
    fs::remove_all(folder.replace_extension(), ignored);
    fs::remove(entry.path(), ignored);
  }
}

}  // namespace

Result<Scratch> Scratch::make() {
  const auto base = base_folder();
  std::error_code ec;
  // As root the sandbox drops to another user, who has to get in; what is inside is no secret to that user.
  const mode_t mode = ::geteuid() == 0 ? 0755 : 0700;
  fs::create_directories(base, ec);
  struct stat info{};
  if (::stat(base.c_str(), &info) != 0 || info.st_uid != ::geteuid()) {
    return fail("the temporary folder cannot be used", base.string(),
                "it belongs to another user: remove it or set TMPDIR", "environment");
  }
  ::chmod(base.c_str(), mode);
  sweep(base);
  for (int i = 0; i < 1000; ++i) {
    const auto path = base / fmt::format("{}-{}", ::getpid(), i);
    Fd lock(::open((path.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!lock) continue;
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;  // a sweeper took it as dead: let it
    if (::mkdir(path.c_str(), mode) != 0) {
      return fail("a temporary folder cannot be made", path.string(), std::strerror(errno), "environment");
    }
    ::chmod(path.c_str(), mode);
    return Scratch(path, std::move(lock));
  }
  return fail("a temporary folder cannot be made", base.string(), "set TMPDIR to a folder that can be written",
              "environment");
}

Scratch::~Scratch() {
  if (!lock_) return;
  std::error_code ec;
  fs::remove_all(path_, ec);
  fs::remove(path_.string() + ".lock", ec);
}

Result<fs::path> Scratch::folder(const std::string& name) const {
  const auto path = path_ / name;
  std::error_code ec;
  fs::remove_all(path, ec);
  fs::create_directories(path, ec);
  if (ec) return fail("a temporary folder cannot be made", path.string(), ec.message(), "environment");
  return path;
}

void Scratch::remove(const std::string& name) const {
  std::error_code ignored;
  fs::remove_all(path_ / name, ignored);
}

}  // namespace burnish
