#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace burnish {
namespace {

/// Closes its descriptor when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 ? 0 : ::close(fd);
  }

 private:
  int fd_;
};

std::string hint(int code) {
  switch (code) {
    case ENOENT:
      return "check the path";
    case EACCES:
    case EPERM:
      return "check who may use it";
    case ENOSPC:
    case EDQUOT:
      return "free some space on that disk";
    case EROFS:
      return "choose a folder that can be written";
    default:
      return {};
  }
}

std::unexpected<Error> path_failure(std::string_view did, const std::filesystem::path& path, int code) {
  return fail(fmt::format("{}: {}", did, std::system_category().message(code)), path.string(), hint(code));
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do fd = ::open(path, flags, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

Status write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return path_failure("cannot write the file", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status fill(const std::filesystem::path& temporary, const std::filesystem::path& path, std::string_view bytes) {
  Descriptor file(open_retrying(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) return path_failure("cannot make the file", path, errno);
  if (auto ok = write_all(file.get(), bytes, path); !ok) return ok;
  if (file.close() != 0) return path_failure("cannot write the file", path, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return path_failure("cannot put the file in place", path, errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes, Links links) {
  // O_NONBLOCK: opening a FIFO that nobody writes would hang.
  const int no_link = links == Links::refuse ? O_NOFOLLOW : 0;
  const Descriptor file(open_retrying(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | no_link));
  if (file.get() < 0 && errno == ELOOP && no_link != 0)
    return fail("this is a symbolic link", path.string(), "put the file itself there");
  if (file.get() < 0) return path_failure("cannot read the file", path, errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return path_failure("cannot read the file", path, errno);
  if (!S_ISREG(status.st_mode)) return fail("this is not a file", path.string(), "give the path of a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit_bytes)
    return fail(fmt::format("the file has {} bytes, more than the limit of {}", size, limit_bytes), path.string());
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return path_failure("cannot read the file", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

Status write_file(const std::filesystem::path& path, std::string_view bytes) {
  static std::atomic<std::uint64_t> serial{0};
  std::error_code code;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), code);
  if (code) return path_failure("cannot make the folder", path.parent_path(), code.value());
  // The process and a serial number make the name unique among writers of the same file, in threads and processes.
  auto temporary = path;
  temporary += fmt::format(".{}.{}.tmp", ::getpid(), serial.fetch_add(1));
  const Status done = fill(temporary, path, bytes);
  if (!done) std::filesystem::remove(temporary, code);
  return done;
}

std::string file_name(std::string_view text, std::string_view kept, std::size_t most) {
  std::string name;
  for (const char c : text.substr(0, most)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || kept.find(c) != std::string_view::npos;
    name += plain ? c : '_';
  }
  return name.empty() || name[0] == '.' ? "_" + name : name;
}

}  // namespace burnish
