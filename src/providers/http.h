#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "providers/wire.h"

namespace burnish {

/// Limits of one service; 0: none.
struct ServiceLimits {
  int in_flight = 0;
  double requests_per_minute = 0;
  double tokens_per_minute = 0;  ///< of prompts, counted as a quarter of the request's characters
};

struct HttpOptions {
  std::chrono::milliseconds connect{15'000};
  std::chrono::milliseconds stall{120'000};    ///< no byte for so long: the stream is given up and tried again
  std::chrono::milliseconds total{1'800'000};  ///< one try, whole
  std::size_t reply_bytes = 32u << 20;         ///< a longer reply is cut off and refused
  int tries = 6;
  std::chrono::milliseconds backoff{1'000};  ///< doubled at each try, with full jitter, at most 60 times this
};

/// Hundreds of calls in flight on one thread, over libcurl's multi handle. Not thread-safe: one loop owns it.
/// A failed try is repeated after a pause (429, 5xx, 529, resets, cut or stalled streams), honouring Retry-After;
/// what cannot get better (400, 401, 403, 404) fails at once with a sentence. Keys are never part of an error.
class HttpCalls {
 public:
  explicit HttpCalls(HttpOptions options = {});
  ~HttpCalls();
  HttpCalls(const HttpCalls&) = delete;
  HttpCalls& operator=(const HttpCalls&) = delete;

  struct Done {
    std::size_t id;
    Result<Reply> reply;
    int tries;
    double seconds;  ///< from start() to the end, pauses included
  };
  using OnText = std::function<void(std::string_view piece)>;

  void limit(std::string service, ServiceLimits limits);
  /// Starts a call; `on_text` sees the answer's tokens as they arrive (empty piece: the try is repeated from its
  /// start).
  std::size_t start(const Wire& wire, const Model& model, HttpRequest request, OnText on_text = {});
  /// Waits at most `timeout` for something to happen and returns the calls that ended.
  std::vector<Done> step(std::chrono::milliseconds timeout);
  /// Holds back new tries (the judge is timing); bytes of running ones still arrive.
  void pause(bool paused);
  /// Ends a step() that waits in another thread. The only method that other threads may call.
  void wake();
  void cancel(std::size_t id);
  std::size_t open() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace burnish
