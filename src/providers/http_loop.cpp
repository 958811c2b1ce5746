#include "providers/http_loop.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

namespace burnish {

struct HttpLoop::State {
  struct Job {
    const Wire* wire;
    Model model;
    HttpRequest request;
    HttpCalls::OnText on_text;
    std::promise<Result<Reply>> reply;
  };

  HttpCalls calls;
  std::function<void()> before_step;
  std::mutex mutex;
  std::condition_variable posted;
  std::deque<Job> jobs;
  bool ending = false;
  std::map<std::size_t, std::promise<Result<Reply>>> open;
  std::thread thread;

  explicit State(HttpOptions options) : calls(options) {}

  /// Takes what was posted; waits for something where nothing is under way. False: the end.
  bool take() {
    std::unique_lock lock(mutex);
    posted.wait(lock, [&] { return ending || !jobs.empty() || !open.empty(); });
    if (ending) return false;
    for (; !jobs.empty(); jobs.pop_front()) {
      auto& job = jobs.front();
      const auto id = calls.start(*job.wire, job.model, std::move(job.request), std::move(job.on_text));
      open.emplace(id, std::move(job.reply));
    }
    return true;
  }

  void turn() {
    while (take()) {
      if (before_step) before_step();
      for (auto& done : calls.step(std::chrono::milliseconds(200))) {
        const auto call = open.find(done.id);
        call->second.set_value(std::move(done.reply));
        open.erase(call);
      }
    }
    for (auto& [id, reply] : open) reply.set_value(fail("the call was given up", "", "the run ends"));
    for (auto& job : jobs) job.reply.set_value(fail("the call was not made", "", "the run ends"));
  }
};

HttpLoop::HttpLoop(std::map<std::string, ServiceLimits> limits, HttpOptions options, std::function<void()> before_step)
    : state_(std::make_unique<State>(options)) {
  for (auto& [service, limit] : limits) state_->calls.limit(service, limit);
  state_->before_step = std::move(before_step);
  state_->thread = std::thread([state = state_.get()] { state->turn(); });
}

HttpLoop::~HttpLoop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->posted.notify_all();
  state_->calls.wake();
  state_->thread.join();
}

Result<Reply> HttpLoop::call(const Wire& wire, const Model& model, HttpRequest request, HttpCalls::OnText on_text) {
  std::future<Result<Reply>> reply;
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back({&wire, model, std::move(request), std::move(on_text), {}});
    reply = state_->jobs.back().reply.get_future();
  }
  state_->posted.notify_all();
  state_->calls.wake();
  return reply.get();
}

}  // namespace burnish
