#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "providers/http.h"

namespace burnish {

/// One HttpCalls for many threads: a thread of its own turns the loop, so that all agents share the services' limits
/// and hundreds of calls cost one thread.
class HttpLoop {
 public:
  /// `before_step` may block: the judge is timing, and nothing of ours shall run. It is called in the loop's thread.
  explicit HttpLoop(std::map<std::string, ServiceLimits> limits = {}, HttpOptions options = {},
                    std::function<void()> before_step = {});
  /// Calls that are still open fail.
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  /// Makes the call and waits for its end; from any thread. `on_text` is called in the loop's thread.
  Result<Reply> call(const Wire& wire, const Model& model, HttpRequest request, HttpCalls::OnText on_text = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace burnish
