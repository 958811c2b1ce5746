#include "base/reserve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>

#include <cerrno>

namespace burnish {

Status reserve(const Fd& file, std::uint64_t begin, std::uint64_t bytes) {
  if (bytes == 0) return {};
  int code;
  do code = posix_fallocate(file.get(), static_cast<off_t>(begin), static_cast<off_t>(bytes));
  while (code == EINTR);
  if (code == 0) return {};
  return fail(fmt::format("no memory for {:.1f} MB that judge and worker share: {}", static_cast<double>(bytes) / 1e6,
                          strerror(code)),
              "arena", "use smaller inputs, or free memory (in a container, raise its limit)", "environment");
}

}  // namespace burnish
