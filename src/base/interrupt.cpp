#include "base/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace burnish {
namespace {

volatile sig_atomic_t asked = 0;
int wake[2] = {-1, -1};

void on_signal(int) {
  if (asked) ::_exit(130);
  asked = 1;
  const char byte = 1;
  [[maybe_unused]] const auto n = ::write(wake[1], &byte, 1);
}

}  // namespace

void watch_interrupts() {
  if (wake[0] >= 0) return;
  if (::pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) return;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
  return asked != 0;
}

int interrupt_fd() {
  return wake[0];
}

}  // namespace burnish
