#include "providers/http_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "providers/fake_service.h"

namespace burnish {
namespace {

using namespace std::chrono_literals;
using fakes::chat_stream;
using fakes::Service;

const Model model{.name = "m", .id = "m", .service = "vllm", .where = "models.toml:1"};
const Prompt prompt{.system = "", .messages = {{Message::Role::user, std::string(4000, 'x'), {}}}};

Result<Reply> call(HttpLoop& loop, const Service& service) {
  return loop.call(chat_completions, model, chat_completions.request(model, service.url(), "", prompt));
}

void good(int, const httplib::Request&, httplib::Response& r) {
  std::this_thread::sleep_for(50ms);
  fakes::stream(r, chat_stream("ok"));
}

TEST(HttpLoop, AnswersManyThreadsAtOnce) {
  std::atomic<int> answered = 0, here = 0, most = 0;
  Service service([&](int n, const httplib::Request& q, httplib::Response& r) {
    most = std::max<int>(most, ++here);
    good(n, q, r);
    --here;
  });
  HttpLoop loop;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 24; ++i) threads.emplace_back([&] { answered += call(loop, service).has_value(); });
  }
  EXPECT_EQ(answered, 24);
  EXPECT_GE(most, 3) << "at the same time";  // the fake server answers 8 at most, fewer on a busy machine
}

TEST(HttpLoop, AllShareTheServicesLimits) {
  Service service(good);
  // Prompts of about 1,000 tokens, 10,000 a second: one each 100 ms.
  HttpLoop loop({{"vllm", {.tokens_per_minute = 600'000}}});
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_TRUE(call(loop, service)); });
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

TEST(HttpLoop, NothingIsSentWhileTheStepIsHeldBack) {
  Service service(good);
  std::atomic<bool> timing = true;
  HttpLoop loop({}, {}, [&] {
    while (timing) std::this_thread::sleep_for(1ms);
  });
  std::jthread asks([&] { EXPECT_TRUE(call(loop, service)); });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(service.calls(), 0);
  timing = false;
}

TEST(HttpLoop, ItsEndEndsOpenCalls) {
  Service service([](int, const httplib::Request&, httplib::Response& r) {
    std::this_thread::sleep_for(300ms);
    fakes::stream(r, chat_stream("late"));
  });
  auto loop = std::make_unique<HttpLoop>();
  std::jthread asks([&, &l = *loop] { EXPECT_FALSE(call(l, service)); });
  while (service.calls() == 0) std::this_thread::sleep_for(1ms);
  loop.reset();
}

}  // namespace
}  // namespace burnish
