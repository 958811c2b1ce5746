#include "providers/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <random>

#include "providers/sockets.h"
#include "providers/sse.h"

namespace burnish {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct CurlGlobal {
  CurlGlobal() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~CurlGlobal() { curl_global_cleanup(); }
};

/// New connections of one `beat`: a burst of hundreds overflows a small server's accept queue, and each that is dropped
/// costs a second. Calls for which a connection is open already are not held back.
constexpr int most_begun_at_once = 4;
constexpr auto beat = milliseconds(1);
constexpr auto kept_open = milliseconds(2'000);  // servers keep an idle connection for 5 s and more

/// Errors that a service puts into a 200 and that pass with time.
bool passes(const std::string& error) {
  for (const char* word : {"overloaded", "rate_limit", "rate limit", "timeout", "temporarily", "internal"})
    if (error.find(word) != std::string::npos) return true;
  return false;
}

bool may_repeat(long status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

std::string advice(long status, const Model& model) {
  if (status == 401 || status == 403)
    return "the key was refused; check the key's variable for service '" + model.service + "' (burnish models)";
  if (status == 404)
    return "the service does not know model '" + model.id + "'; it " +
           (model.withdrawn.empty() ? "may have been withdrawn" : "was to be withdrawn on " + model.withdrawn) +
           (model.successor.empty() ? "" : ", its successor is " + model.successor) + " (" + model.where + ")";
  if (status == 413) return "the prompt is too long for the service";
  if (status == 429) return "the service's rate limit; lower its requests per minute or wait";
  return "see the exchange in the store";
}

}  // namespace

struct HttpCalls::State {
  struct Call {
    std::size_t id = 0;
    const Wire* wire = nullptr;
    Model model;
    HttpRequest request;
    OnText on_text;
    Clock::time_point begun, next_try;
    int tries = 0;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    SseParser sse;
    Partial partial;
    std::string plain;  // a body that is no event stream
    std::size_t bytes = 0, shown = 0;
    bool stream = false, too_long = false, keeps = true;  // keeps: its connection stays open
    Clock::time_point last_byte;
    State* owner = nullptr;
  };

  HttpOptions options;
  CurlGlobal global;
  Sockets sockets;
  Clock::time_point alarm = Clock::time_point::max();  // when libcurl wants to be asked, whatever happens
  CURLM* multi = curl_multi_init();
  std::map<std::size_t, std::unique_ptr<Call>> calls;
  std::map<std::string, ServiceLimits> limits;
  std::map<std::string, Clock::time_point> next_start;
  std::mt19937_64 random{std::random_device{}()};
  std::size_t next_id = 1;
  bool paused = false;
  struct Idle {
    int connections = 0;
    Clock::time_point since;
  };
  std::map<std::string, Idle> idle;  // by scheme, host and port
  Clock::time_point this_beat;
  int begun = 0;  // new connections of this beat

  State() {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    auto& state = *static_cast<State*>(user);
    state.sockets.watch(socket, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
                        what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& state = *static_cast<State*>(user);
    state.alarm = timeout_ms < 0 ? Clock::time_point::max() : Clock::now() + milliseconds(timeout_ms);
    return 0;
  }

  /// libcurl does what is due by its own clock: new calls, too, begin here.
  void turn_timers() {
    for (int running = 0; Clock::now() >= alarm;) {
      alarm = Clock::time_point::max();
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
  }

  /// Transfers that have ended since the last time.
  std::vector<std::pair<Call*, CURLcode>> ended() {
    std::vector<std::pair<Call*, CURLcode>> all;
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Call* call = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
      all.emplace_back(call, message->data.result);
    }
    return all;
  }

  /// Waits until then at most, and lets libcurl read and write what can be.
  void wait(Clock::time_point until) {
    for (const auto& ready : sockets.wait(std::min(until, alarm) - Clock::now())) {
      const int what = (ready.read ? CURL_CSELECT_IN : 0) | (ready.write ? CURL_CSELECT_OUT : 0) |
                       (ready.error ? CURL_CSELECT_ERR : 0);
      int running = 0;
      curl_multi_socket_action(multi, ready.socket, what, &running);
    }
    turn_timers();
  }

  static std::string origin(const Call& call) {
    const auto host = call.request.url.find("://");
    return call.request.url.substr(0, call.request.url.find('/', host == std::string::npos ? 0 : host + 3));
  }

  bool is_open_for(const Call& call, Clock::time_point now) const {
    const auto found = idle.find(origin(call));
    return found != idle.end() && found->second.connections > 0 && now - found->second.since < kept_open;
  }

  /// Begins what may begin now; says when to look again.
  Clock::time_point begin_some(Clock::time_point now, Clock::time_point wake) {
    if (now - this_beat >= beat) this_beat = now, begun = 0;
    for (auto& [id, call] : calls) {
      if (call->easy) continue;
      const bool open = is_open_for(*call, now), room = open || begun < most_begun_at_once;
      if (room && may_start(*call, now)) {
        if (open)
          --idle[origin(*call)].connections;
        else
          ++begun;
        begin_try(*call);
      } else {
        wake = std::min(wake, std::max(call->next_try, room ? now + milliseconds(5) : this_beat + beat));
      }
    }
    return wake;
  }

  static std::size_t on_header(char* data, std::size_t, std::size_t n, void* user) {
    auto& call = *static_cast<Call*>(user);
    std::string line(data, n);
    std::ranges::transform(line, line.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (line.starts_with("http/1.0") || (line.starts_with("connection:") && line.find("close") != std::string::npos))
      call.keeps = false;
    if (line.starts_with("content-type:")) call.stream = line.find("text/event-stream") != std::string::npos;
    return n;
  }

  static std::size_t on_data(char* data, std::size_t, std::size_t n, void* user) {
    auto& call = *static_cast<Call*>(user);
    call.last_byte = Clock::now();
    call.bytes += n;
    if (call.bytes > call.owner->options.reply_bytes) {
      call.too_long = true;
      return 0;  // curl ends the transfer
    }
    long status = 0;
    curl_easy_getinfo(call.easy, CURLINFO_RESPONSE_CODE, &status);
    if (!call.stream || status != 200) {
      call.plain.append(data, n);
      return n;
    }
    call.sse.feed({data, n},
                  [&](std::string_view event, std::string_view text) { call.wire->event(event, text, call.partial); });
    const std::string& text = call.partial.reply.text;
    if (call.on_text && text.size() > call.shown) call.on_text(std::string_view(text).substr(call.shown));
    call.shown = text.size();
    return n;
  }

  void begin_try(Call& call) {
    call.tries += 1;
    call.sse = {};
    call.partial = {};
    call.plain.clear();
    call.bytes = call.shown = 0;
    call.stream = call.too_long = false;
    call.keeps = true;
    call.last_byte = Clock::now();
    call.easy = curl_easy_init();
    for (const auto& [name, value] : call.request.headers)
      call.headers = curl_slist_append(call.headers, (name + ": " + value).c_str());
    curl_easy_setopt(call.easy, CURLOPT_URL, call.request.url.c_str());
    curl_easy_setopt(call.easy, CURLOPT_HTTPHEADER, call.headers);
    curl_easy_setopt(call.easy, CURLOPT_POSTFIELDS, call.request.body.c_str());
    curl_easy_setopt(call.easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.request.body.size()));
    curl_easy_setopt(call.easy, CURLOPT_WRITEFUNCTION, &State::on_data);
    curl_easy_setopt(call.easy, CURLOPT_WRITEDATA, &call);
    curl_easy_setopt(call.easy, CURLOPT_HEADERFUNCTION, &State::on_header);
    curl_easy_setopt(call.easy, CURLOPT_HEADERDATA, &call);
    curl_easy_setopt(call.easy, CURLOPT_PRIVATE, &call);
    curl_easy_setopt(call.easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect.count()));
    curl_easy_setopt(call.easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total.count()));
    curl_easy_setopt(call.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call.easy, CURLOPT_FOLLOWLOCATION, 0L);  // a key must not follow a redirect
    curl_easy_setopt(call.easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_multi_add_handle(multi, call.easy);
  }

  void end_try(Call& call) {
    curl_multi_remove_handle(multi, call.easy);
    curl_easy_cleanup(call.easy);
    curl_slist_free_all(call.headers);
    call.easy = nullptr;
    call.headers = nullptr;
  }

  bool may_start(const Call& call, Clock::time_point now) {
    if (paused || call.easy || now < call.next_try) return false;
    const auto found = limits.find(call.model.service);
    if (found == limits.end()) return true;
    const ServiceLimits& limit = found->second;
    if (limit.in_flight > 0) {
      const auto running = std::ranges::count_if(calls, [&](const auto& entry) {
        return entry.second->easy && entry.second->model.service == call.model.service;
      });
      if (running >= limit.in_flight) return false;
    }
    // Spread evenly: a burst at the beginning of a minute is what services punish. A long prompt holds back the next.
    double pause_ms = 0;
    if (limit.requests_per_minute > 0) pause_ms = 60'000 / limit.requests_per_minute;
    if (limit.tokens_per_minute > 0)
      pause_ms =
          std::max(pause_ms, static_cast<double>(call.request.body.size()) / 4 * 60'000 / limit.tokens_per_minute);
    if (pause_ms <= 0) return true;
    auto& next = next_start[call.model.service];
    if (now < next) return false;
    next = now + milliseconds(static_cast<std::int64_t>(pause_ms));
    return true;
  }

  milliseconds pause_before(const Call& call, curl_off_t retry_after_s) {
    if (retry_after_s > 0) return std::min(milliseconds(retry_after_s * 1000), milliseconds(600'000));
    const auto ceiling = std::min(options.backoff * (1 << std::min(call.tries - 1, 10)), options.backoff * 60);
    return milliseconds(std::uniform_int_distribution<std::int64_t>(ceiling.count() / 4, ceiling.count())(random));
  }

  struct Outcome {
    Result<Reply> reply;
    bool repeat;
  };

  Outcome read(const Call& call, CURLcode code, long status) const {
    const std::string where = call.model.service + " model " + call.model.id;
    auto failed = [&](std::string what, std::string todo, bool repeat) {
      return Outcome{fail(std::move(what), where, std::move(todo)), repeat};
    };
    if (call.too_long)
      return failed("the reply is longer than " + std::to_string(options.reply_bytes) + " bytes", "lower output_tokens",
                    false);
    if (code != CURLE_OK) {
      const bool tls =
          code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE;
      return failed(std::string("the call failed: ") + curl_easy_strerror(code),
                    tls ? "the server's certificate was not accepted" : "is the service up, and its address right?",
                    !tls);
    }
    if (status != 200)
      return failed("HTTP " + std::to_string(status) + ": " + call.plain.substr(0, 300), advice(status, call.model),
                    may_repeat(status));
    if (!call.stream) {
      const json body = json::parse(call.plain, nullptr, false);
      if (body.is_discarded())
        return failed("the reply is no JSON: " + call.plain.substr(0, 200), "is this the right address?", false);
      auto reply = call.wire->whole(body);
      const bool repeat = !reply && passes(reply.error().what);
      return {std::move(reply), repeat};
    }
    if (!call.partial.error.empty())
      return failed(call.partial.error, "the service's own error", passes(call.partial.error));
    if (!call.partial.done && call.partial.reply.stop == Stop::unknown)
      return failed("the stream ended in the middle", "the answer so far was thrown away", true);
    return {call.partial.reply, false};
  }

  /// The outcome of a finished transfer: an ended call, or nothing where it is to be tried again.
  std::unique_ptr<Done> finish(Call& call, CURLcode code) {
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(call.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call.easy, CURLINFO_RETRY_AFTER, &retry_after);
    Outcome outcome = read(call, code, status);
    if (code == CURLE_OK && call.keeps) {
      Idle& here = idle[origin(call)];
      here = {here.connections + 1, Clock::now()};
    }
    end_try(call);
    if (!outcome.reply && outcome.repeat && call.tries < options.tries) {
      call.next_try = Clock::now() + pause_before(call, retry_after);
      if (call.on_text) call.on_text({});
      return nullptr;
    }
    if (!outcome.reply && call.tries > 1)
      outcome.reply.error().what += " (after " + std::to_string(call.tries) + " tries)";
    const double seconds = std::chrono::duration<double>(Clock::now() - call.begun).count();
    return std::make_unique<Done>(Done{call.id, std::move(outcome.reply), call.tries, seconds});
  }
};

HttpCalls::HttpCalls(HttpOptions options) : state_(std::make_unique<State>()) {
  state_->options = options;
}

HttpCalls::~HttpCalls() {
  for (auto& [id, call] : state_->calls)
    if (call->easy) state_->end_try(*call);
  curl_multi_cleanup(state_->multi);
}

void HttpCalls::limit(std::string service, ServiceLimits limits) {
  state_->limits[std::move(service)] = limits;
}

std::size_t HttpCalls::start(const Wire& wire, const Model& model, HttpRequest request, OnText on_text) {
  auto call = std::make_unique<State::Call>();
  call->id = state_->next_id++;
  call->wire = &wire;
  call->model = model;
  call->request = std::move(request);
  call->on_text = std::move(on_text);
  call->begun = call->next_try = Clock::now();
  call->owner = state_.get();
  const auto id = call->id;
  state_->calls.emplace(id, std::move(call));
  return id;
}

std::vector<HttpCalls::Done> HttpCalls::step(milliseconds timeout) {
  std::vector<Done> done;
  State& s = *state_;
  auto now = Clock::now();
  const auto wake = s.begin_some(now, now + timeout);
  s.turn_timers();
  auto ended = s.ended();
  if (ended.empty()) {
    s.wait(wake);
    ended = s.ended();
  }
  now = Clock::now();
  for (auto& [id, call] : s.calls)
    if (call->easy && now - call->last_byte > s.options.stall &&
        std::ranges::none_of(ended, [&](const auto& e) { return e.first == call.get(); }))
      ended.emplace_back(call.get(), CURLE_OPERATION_TIMEDOUT);
  for (auto& [call, code] : ended) {
    const auto id = call->id;
    if (auto result = s.finish(*call, code)) {
      done.push_back(std::move(*result));
      s.calls.erase(id);
    }
  }
  return done;
}

void HttpCalls::pause(bool paused) {
  state_->paused = paused;
}

void HttpCalls::wake() {
  state_->sockets.ring();
}

void HttpCalls::cancel(std::size_t id) {
  const auto found = state_->calls.find(id);
  if (found == state_->calls.end()) return;
  if (found->second->easy) state_->end_try(*found->second);
  state_->calls.erase(found);
}

std::size_t HttpCalls::open() const {
  return state_->calls.size();
}

}  // namespace burnish
