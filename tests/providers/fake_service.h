#pragma once
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace burnish::fakes {

/// A model service on a loopback port that answers as a test scripts it. Real HTTP, real sockets.
class Service {
 public:
  using Handler = std::function<void(int call, const httplib::Request&, httplib::Response&)>;
  explicit Service(Handler handler) : handler_(std::move(handler)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(256); };
    server_.Post(".*", [this](const httplib::Request& q, httplib::Response& r) { handler_(calls_++, q, r); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Service() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int calls() const { return calls_; }

 private:
  Handler handler_;
  httplib::Server server_;
  std::atomic<int> calls_{0};
  int port_ = 0;
  std::thread thread_;
};

/// A server that resets each connection once it was asked something: RST, not an end.
class Resetting {
 public:
  explicit Resetting(std::function<void(int)> told) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, told] {
      for (int call = 0;; ++call) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) return;
        char bytes[64];
        (void)!::read(connection, bytes, sizeof bytes);
        told(call);  // before the reset: who sees it must see the count too
        const linger now{1, 0};
        ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(connection);
      }
    });
  }
  ~Resetting() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_ = -1, port_ = 0;
  std::thread thread_;
};

/// An answer in Chat Completions' stream format, whole.
inline std::string chat_stream(const std::string& text) {
  std::string out;
  for (const char c : text) out += "data: {\"choices\":[{\"delta\":{\"content\":\"" + std::string(1, c) + "\"}}]}\n\n";
  return out +
         "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
}

inline void stream(httplib::Response& r, const std::string& body) {
  r.set_content(body, "text/event-stream");
}

}  // namespace burnish::fakes
