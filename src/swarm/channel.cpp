#include "swarm/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace burnish {

Status LineChannel::send(const json& message) {
  const auto line = message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const auto n = ::send(socket_.get(), line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      pollfd ready{socket_.get(), POLLOUT, 0};
      ::poll(&ready, 1, 1000);
    } else if (errno != EINTR) {
      return system_failure("send", "the judge's socket");
    }
  }
  return {};
}

Result<bool> LineChannel::receive() {
  char bytes[65536];
  const auto n = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (n > 0) {
    buffer_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  return false;  // an end, or a reset: the peer is gone in both
}

Result<std::optional<json>> LineChannel::next() {
  const auto end = buffer_.find('\n', std::max(scanned_, start_));
  if (end == std::string::npos) {
    buffer_.erase(0, start_);
    start_ = 0;
    scanned_ = buffer_.size();
    if (buffer_.size() > most_bytes)
      return fail("a message of the judge is too long", "the judge's socket", "", "environment");
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + start_, end - start_);
  auto message = json::parse(line, nullptr, /*allow_exceptions=*/false);
  const auto shown = std::string(line.substr(0, 200));
  start_ = scanned_ = end + 1;
  if (!message.is_object())
    return fail("the judge sent something that is no message: " + shown, "the judge's socket", "", "environment");
  return message;
}

}  // namespace burnish
