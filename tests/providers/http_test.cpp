#include "providers/http.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "providers/fake_service.h"

namespace burnish {
namespace {

using namespace std::chrono_literals;
using fakes::chat_stream;
using fakes::Service;

const Model model{.name = "m", .id = "m", .service = "vllm", .where = "models.toml:1"};
const Prompt prompt{.system = "be fast", .messages = {{Message::Role::user, "hello", {}}}};

HttpOptions quick() {
  HttpOptions o;
  o.backoff = 5ms;
  o.stall = 300ms;
  o.tries = 3;
  return o;
}

HttpCalls::Done one(const Service& service, HttpOptions options = quick(), const Wire& wire = chat_completions,
                    HttpCalls::OnText on_text = {}, const std::string& key = "secret-key") {
  HttpCalls calls(options);
  calls.start(wire, model, wire.request(model, service.url(), key, prompt), std::move(on_text));
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < limit)
    if (auto done = calls.step(50ms); !done.empty()) return std::move(done.front());
  return {0, fail("the call never ended"), 0, 0};
}

TEST(Http, StreamsAnAnswerWithItsUsage) {
  Service service([](int, const httplib::Request& q, httplib::Response& r) {
    EXPECT_EQ(q.get_header_value("authorization"), "Bearer secret-key");
    EXPECT_EQ(q.path, "/chat/completions");
    fakes::stream(r, chat_stream("plan"));
  });
  std::string seen;
  const auto done = one(service, quick(), chat_completions, [&](std::string_view piece) { seen += piece; });
  ASSERT_TRUE(done.reply) << to_text(done.reply.error());
  EXPECT_EQ(done.reply->text, "plan");
  EXPECT_EQ(seen, "plan");
  EXPECT_EQ(done.reply->stop, Stop::end);
  EXPECT_EQ(done.reply->usage.input_tokens, 7);
  EXPECT_EQ(done.reply->usage.output_tokens, 3);
}

TEST(Http, TriesAgainWhatPasses) {
  for (const int status : {429, 500, 503, 529}) {
    Service service([&](int call, const httplib::Request&, httplib::Response& r) {
      if (call == 0)
        r.status = status;
      else
        fakes::stream(r, chat_stream("ok"));
    });
    const auto done = one(service);
    ASSERT_TRUE(done.reply) << status;
    EXPECT_EQ(done.tries, 2);
  }
}

TEST(Http, HonoursRetryAfter) {
  Service service([](int call, const httplib::Request&, httplib::Response& r) {
    if (call > 0) return fakes::stream(r, chat_stream("ok"));
    r.status = 429;
    r.set_header("Retry-After", "1");
  });
  const auto done = one(service);
  ASSERT_TRUE(done.reply);
  EXPECT_GE(done.seconds, 1.0);
}

TEST(Http, GivesUpAfterItsTriesAndSaysSo) {
  Service service([](int, const httplib::Request&, httplib::Response& r) { r.status = 500; });
  const auto done = one(service);
  ASSERT_FALSE(done.reply);
  EXPECT_EQ(service.calls(), 3);
  EXPECT_NE(done.reply.error().what.find("after 3 tries"), std::string::npos);
}

TEST(Http, DoesNotRepeatWhatCannotGetBetterAndNeverShowsTheKey) {
  for (const int status : {400, 401, 403, 404}) {
    Service service([&](int, const httplib::Request&, httplib::Response& r) {
      r.status = status;
      r.set_content(R"({"error": {"message": "no"}})", "application/json");
    });
    const auto done = one(service);
    ASSERT_FALSE(done.reply);
    EXPECT_EQ(service.calls(), 1);
    EXPECT_EQ(to_text(done.reply.error()).find("secret-key"), std::string::npos);
  }
}

TEST(Http, AStreamCutInTheMiddleIsTriedAgainFromItsStart) {
  Service service([](int call, const httplib::Request&, httplib::Response& r) {
    fakes::stream(r, call == 0 ? chat_stream("half").substr(0, 80) : chat_stream("whole"));
  });
  std::string seen;
  const auto done = one(service, quick(), chat_completions,
                        [&](std::string_view piece) { piece.empty() ? seen.clear() : void(seen += piece); });
  ASSERT_TRUE(done.reply);
  EXPECT_EQ(done.reply->text, "whole");
  EXPECT_EQ(seen, "whole");
}

TEST(Http, AStalledStreamIsGivenUp) {
  Service service([](int call, const httplib::Request&, httplib::Response& r) {
    if (call > 0) return fakes::stream(r, chat_stream("ok"));
    r.set_chunked_content_provider("text/event-stream", [](std::size_t, httplib::DataSink& sink) {
      sink.write("data: {}\n\n", 10);
      std::this_thread::sleep_for(900ms);
      sink.done();
      return true;
    });
  });
  const auto done = one(service);
  ASSERT_TRUE(done.reply) << to_text(done.reply.error());
  EXPECT_EQ(done.tries, 2);
}

TEST(Http, AnErrorInsideA200IsAnError) {
  Service stream([](int, const httplib::Request&, httplib::Response& r) {
    fakes::stream(r, "data: {\"error\":{\"message\":\"bad prompt\"}}\n\n");
  });
  EXPECT_NE(one(stream).reply.error().what.find("bad prompt"), std::string::npos);
  Service plain([](int, const httplib::Request&, httplib::Response& r) {
    r.set_content(R"({"error":{"message":"bad prompt"}})", "application/json");
  });
  EXPECT_NE(one(plain).reply.error().what.find("bad prompt"), std::string::npos);
}

TEST(Http, MegabytesOfAnswerAreCutOff) {
  Service service([](int, const httplib::Request&, httplib::Response& r) {
    fakes::stream(r, "data: " + std::string(4 << 20, 'x'));
  });
  HttpOptions options = quick();
  options.reply_bytes = 1 << 20;
  const auto done = one(service, options);
  ASSERT_FALSE(done.reply);
  EXPECT_NE(done.reply.error().what.find("longer than"), std::string::npos);
  EXPECT_EQ(service.calls(), 1);
}

TEST(Http, SurvivesInvalidUtf8WrongUsageAndToolCalls) {
  Service service([](int, const httplib::Request&, httplib::Response& r) {
    fakes::stream(
        r,
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"x\"}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
        "data: {\"usage\":{\"prompt_tokens\":\"many\",\"completion_tokens\":-5}}\n\ndata: [DONE]\n\n");
  });
  const auto done = one(service);
  ASSERT_TRUE(done.reply);
  EXPECT_EQ(done.reply->stop, Stop::tool_call);
  EXPECT_EQ(done.reply->usage.input_tokens, 0);
  Service invalid([](int, const httplib::Request&, httplib::Response& r) {
    fakes::stream(r, "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n");
  });
  EXPECT_FALSE(one(invalid).reply);
}

TEST(Http, AnEmptyTruncatedOrRefusedAnswerIsAnAnswerThatSaysSo) {
  const auto ended = [](const std::string& word) {
    return "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" + word + "\"}]}\n\ndata: [DONE]\n\n";
  };
  for (const auto& [word, stop] : {std::pair("stop", Stop::end), std::pair("length", Stop::truncated),
                                   std::pair("content_filter", Stop::refused)}) {
    Service service([&](int, const httplib::Request&, httplib::Response& r) { fakes::stream(r, ended(word)); });
    const auto done = one(service);
    ASSERT_TRUE(done.reply) << word;
    EXPECT_EQ(done.reply->text, "");
    EXPECT_EQ(done.reply->stop, stop) << word;
    EXPECT_EQ(service.calls(), 1) << "asking again would be paid again";
  }
}

TEST(Http, ASlowTrickleIsNoStall) {
  Service service([](int, const httplib::Request&, httplib::Response& r) {
    r.set_chunked_content_provider("text/event-stream", [](std::size_t, httplib::DataSink& sink) {
      for (const char c : chat_stream("slow")) {
        sink.write(&c, 1);
        std::this_thread::sleep_for(2ms);
      }
      sink.done();
      return true;
    });
  });
  const auto done = one(service);
  ASSERT_TRUE(done.reply) << to_text(done.reply.error());
  EXPECT_EQ(done.reply->text, "slow");
  EXPECT_EQ(done.tries, 1);
  EXPECT_GT(done.seconds, 0.3) << "longer than the limit for a stall";
}

TEST(Http, AResetConnectionIsTriedAgain) {
  std::atomic<int> resets = 0;
  fakes::Resetting service([&](int) { return ++resets; });
  HttpCalls calls(quick());
  calls.start(chat_completions, model, chat_completions.request(model, service.url(), "secret-key", prompt));
  std::vector<HttpCalls::Done> done;
  for (int i = 0; i < 200 && done.empty(); ++i) done = calls.step(50ms);
  ASSERT_FALSE(done.empty());
  ASSERT_FALSE(done[0].reply);
  EXPECT_EQ(done[0].tries, 3);
  EXPECT_GE(resets, 3);
  EXPECT_EQ(to_text(done[0].reply.error()).find("secret-key"), std::string::npos);
}

TEST(Http, TlsThatFailsIsASentenceAndNotTriedAgain) {
  Service service([](int, const httplib::Request&, httplib::Response&) {});
  HttpCalls calls(quick());
  auto url = service.url();
  url.replace(0, 4, "https");  // a server that speaks no TLS
  calls.start(chat_completions, model, chat_completions.request(model, url, "secret-key", prompt));
  std::vector<HttpCalls::Done> done;
  for (int i = 0; i < 200 && done.empty(); ++i) done = calls.step(50ms);
  ASSERT_FALSE(done.empty());
  ASSERT_FALSE(done[0].reply);
  EXPECT_EQ(done[0].tries, 1);
  EXPECT_NE(to_text(done[0].reply.error()).find("certificate"), std::string::npos) << to_text(done[0].reply.error());
}

TEST(Http, ARedirectIsNotFollowedWithTheKey) {
  Service thief([](int, const httplib::Request&, httplib::Response&) {});
  Service service([&](int, const httplib::Request&, httplib::Response& r) { r.set_redirect(thief.url() + "/x", 307); });
  const auto done = one(service);
  EXPECT_FALSE(done.reply);
  EXPECT_EQ(thief.calls(), 0);
}

TEST(Http, AServiceThatIsDownIsASentence) {
  std::string url;
  {
    url = Service([](int, const httplib::Request&, httplib::Response&) {}).url();
  }
  HttpCalls calls(quick());
  calls.start(chat_completions, model, chat_completions.request(model, url, "", prompt));
  std::vector<HttpCalls::Done> done;
  for (int i = 0; i < 200 && done.empty(); ++i) done = calls.step(50ms);
  ASSERT_FALSE(done.empty());
  EXPECT_NE(to_text(done[0].reply.error()).find("is the service up"), std::string::npos);
}

TEST(Http, TwoHundredCallsInFlightTakeLittleLongerThanOne) {
  Service service([](int, const httplib::Request&, httplib::Response& r) {
    std::this_thread::sleep_for(50ms);
    fakes::stream(r, chat_stream("ok"));
  });
  HttpOptions options = quick();
  options.stall = 10s;
  HttpCalls calls(options);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i)
    calls.start(chat_completions, model, chat_completions.request(model, service.url(), "", prompt));
  int good = 0;
  while (calls.open() && std::chrono::steady_clock::now() - begin < 20s)
    for (const auto& done : calls.step(20ms)) good += done.reply.has_value();
  EXPECT_EQ(good, 200);
  // The server's 200 threads share these cores with us; the figure itself is bench/providers' business.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 15s);
}

TEST(Http, AnAnswerThatIsThereAlreadyIsNotWaitedFor) {
  Service service([](int, const httplib::Request&, httplib::Response& r) { fakes::stream(r, chat_stream("ok")); });
  HttpCalls calls(quick());
  calls.start(chat_completions, model, chat_completions.request(model, service.url(), "", prompt));
  std::vector<HttpCalls::Done> done;
  while (service.calls() == 0) done = calls.step(0ms);
  std::this_thread::sleep_for(100ms);  // the whole answer lies in the socket
  const auto begin = std::chrono::steady_clock::now();
  while (done.empty()) done = calls.step(5s);
  EXPECT_TRUE(done.front().reply);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST(Http, LimitsAndPausesHoldCallsBack) {
  Service service([](int, const httplib::Request&, httplib::Response& r) { fakes::stream(r, chat_stream("ok")); });
  HttpCalls calls(quick());
  calls.limit("vllm", {.in_flight = 1, .requests_per_minute = 600});
  for (int i = 0; i < 4; ++i)
    calls.start(chat_completions, model, chat_completions.request(model, service.url(), "", prompt));
  calls.pause(true);
  for (int i = 0; i < 5; ++i) calls.step(10ms);
  EXPECT_EQ(service.calls(), 0);
  calls.pause(false);
  const auto begin = std::chrono::steady_clock::now();
  while (calls.open() && std::chrono::steady_clock::now() - begin < 10s) calls.step(20ms);
  EXPECT_EQ(service.calls(), 4);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
}

}  // namespace
}  // namespace burnish
