#include "providers/sockets.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace burnish {

Sockets::Sockets() : poll_(epoll_create1(EPOLL_CLOEXEC)), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(bell_.get(), true, false);
}

void Sockets::watch(int socket, bool read, bool write) {
  epoll_event event{};
  event.events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  event.data.fd = socket;
  if (!read && !write) {
    epoll_ctl(poll_.get(), EPOLL_CTL_DEL, socket, nullptr);  // one that was closed is gone already
  } else if (epoll_ctl(poll_.get(), EPOLL_CTL_MOD, socket, &event) != 0) {
    epoll_ctl(poll_.get(), EPOLL_CTL_ADD, socket, &event);
  }
}

std::vector<Sockets::Ready> Sockets::wait(std::chrono::nanoseconds timeout) {
  std::array<epoll_event, 256> events;
  int count = epoll_wait(poll_.get(), events.data(), events.size(), 0);
  if (count <= 0 && timeout.count() > 0) {  // epoll_wait itself knows milliseconds only
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
    const timespec most{seconds.count(), (timeout - seconds).count()};
    pollfd all{poll_.get(), POLLIN, 0};
    ppoll(&all, 1, &most, nullptr);
    count = epoll_wait(poll_.get(), events.data(), events.size(), 0);
  }
  std::vector<Ready> ready;
  for (int i = 0; i < count; ++i) {
    const auto& e = events[static_cast<std::size_t>(i)];
    if (e.data.fd == bell_.get()) {
      std::uint64_t rung = 0;
      [[maybe_unused]] const auto got = read(bell_.get(), &rung, sizeof rung);
    } else {
      ready.push_back(
          {e.data.fd, (e.events & (EPOLLIN | EPOLLHUP)) != 0, (e.events & EPOLLOUT) != 0, (e.events & EPOLLERR) != 0});
    }
  }
  return ready;
}

void Sockets::ring() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = write(bell_.get(), &one, sizeof one);
}

}  // namespace burnish
