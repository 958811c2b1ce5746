// Keeps so many calls in flight against a fake service and prints what that took, for bench/providers.py:
//   provider_load URL CALLS IN_FLIGHT
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "providers/http.h"

using namespace burnish;

namespace {

double thread_seconds() {
  rusage used{};
  getrusage(RUSAGE_THREAD, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Load {
  /// Requests are made by the agents' threads, so the one request is made ahead: a prompt of common length.
  explicit Load(const std::string& url) : request(chat_completions.request(model, url, "", prompt)) {}

  const Model model{.name = "m", .id = "m", .service = "vllm", .where = "load"};
  const Prompt prompt{.system = std::string(20'000, 'x'), .messages = {{Message::Role::user, "hello", {}}}};
  const HttpRequest request;
  HttpCalls calls;
  int started = 0, good = 0, tries = 0;
  double waited = 0;

  void start() {
    calls.start(chat_completions, model, request);
    ++started;
  }

  /// Wall seconds for `total` calls, at most `most` of them open at once.
  double run(int total, int most) {
    const auto begin = std::chrono::steady_clock::now();
    started = good = tries = 0;
    waited = 0;
    while (started < std::min(total, most)) start();
    while (calls.open())
      for (const auto& done : calls.step(std::chrono::milliseconds(100))) {
        good += done.reply.has_value();
        tries += done.tries;
        waited += done.seconds;
        if (started < total) start();
      }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: provider_load URL CALLS IN_FLIGHT\n", stderr), 2;
  Load load(argv[1]);
  const int total = std::atoi(argv[2]), most = std::atoi(argv[3]);
  json result;
  for (const char* name : {"cold", "warm"}) {  // without and with connections that are open already
    const double before = thread_seconds(), wall = load.run(total, most);
    result[name] = {{"wall", wall},
                    {"cpu", thread_seconds() - before},
                    {"good", load.good},
                    {"tries", load.tries},
                    {"mean", load.waited / total}};
  }
  std::puts(result.dump().c_str());
}
