#include "base/nursery.h"

#include <fmt/format.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace burnish {
namespace {

constexpr std::size_t most_fds = 16;

/// One packet with descriptors beside it.
Status send_with_fds(int socket, const std::string& text, const std::vector<int>& fds) {
  iovec bytes{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_fds)> space{};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return system_failure("sendmsg", "fork server", "start a new one");
  return {};
}

}  // namespace

Result<Process> fork_from(int nursery, json request, const std::vector<std::pair<int, int>>& fds, double timeout_s) {
  if (fds.size() + 1 > most_fds) return fail("too many descriptors for a child", "fork server", "", "environment");
  TRY(life, make_socketpair());
  std::vector<int> ours = {life.second.get()};
  request["fds"] = json::array();
  for (const auto& [from, to] : fds) {
    ours.push_back(from);
    request["fds"].push_back(to);
  }
  if (auto ok = send_with_fds(nursery, request.dump(), ours); !ok) return std::unexpected(ok.error());
  life.second.reset();
  pollfd ready{life.first.get(), POLLIN, 0};
  int count;
  do count = ::poll(&ready, 1, static_cast<int>(timeout_s * 1000));
  while (count < 0 && errno == EINTR);
  int pid = 0;
  const auto got = count > 0 ? recv(life.first.get(), &pid, sizeof pid, MSG_WAITALL) : 0;
  if (got != sizeof pid || pid <= 0)
    return fail(fmt::format("the fork server {}", count > 0 ? "ended, or could not fork" : "did not answer"),
                "python -m burnish.nursery", "see the log of the judge; `burnish doctor` says more", "environment");
  return Process::adopt(pid, std::move(life.first));
}

}  // namespace burnish
