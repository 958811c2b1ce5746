#pragma once
#include <chrono>
#include <vector>

#include "base/process.h"

namespace burnish {

/// The sockets that somebody waits for (epoll): what costs is what happens, not how many there are.
class Sockets {
 public:
  struct Ready {
    int socket;
    bool read, write, error;
  };

  Sockets();
  /// Wait for this socket from now on; for neither: no longer.
  void watch(int socket, bool read, bool write);
  /// What is ready, at once or within the timeout.
  std::vector<Ready> wait(std::chrono::nanoseconds timeout);
  /// Ends a wait() of another thread, or the next one.
  void ring();

 private:
  Fd poll_, bell_;
};

}  // namespace burnish
