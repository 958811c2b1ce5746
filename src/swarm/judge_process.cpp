#include "swarm/judge_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/paths.h"
#include "swarm/channel.h"

namespace burnish {
namespace {

/// Why there is no reply.
constexpr const char* died = "judge-died";

class JudgeProcess : public Judge {
 public:
  JudgeProcess(JudgeConnection connection, JudgeOptions options, std::filesystem::path scratch, Lease& lease,
               std::function<void(const std::string&, double, double)> progress)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        scratch_(std::move(scratch)),
        lease_(lease),
        progress_(std::move(progress)) {}
  ~JudgeProcess() override { stop(); }

  Result<Opened> open(const ProblemSpec& problem) override {
    problem_ = problem;
    if (auto ok = start(); !ok) return std::unexpected(ok.error());
    json spec = nullptr;
    if (!problem.file.empty()) {
      spec = {{"file", problem.file},
              {"class", problem.cls.empty() ? json(nullptr) : json(problem.cls)},
              {"inputs_from", problem.inputs_from.empty() ? json(nullptr) : json(problem.inputs_from)}};
    }
    const json request = {
        {"do", "open"}, {"problem", spec}, {"options", to_json(options_)}, {"scratch", scratch_.string()}};
    auto reply = ask(request, connection_.open_seconds);
    // Killed from outside (by the kernel for want of memory, say), or by the module: the second time it was the module.
    if (!reply && reply.error().reason == died && was_killed() && connection_.fd < 0) {
      if (auto ok = start(); !ok) return std::unexpected(ok.error());
      reply = ask(request, connection_.open_seconds);
    }
    if (!reply) {
      auto error = reply.error();
      stop();
      const auto says = [&](const char* words) { return error.what.find(words) != std::string::npos; };
      if (error.reason == died && (says("burnish.judge") || says("ModuleNotFoundError"))) {
        // Python itself said that it cannot run the judge: the problem was never looked at. (What a problem's file
        // fails to import is a reply, not the end of the judge.)
        error.reason = "environment";
        error.todo = "set BURNISH_PYTHON to a Python that has burnish and torch; `burnish doctor` says more";
      }
      if (error.reason == died) error.reason = "model";
      return std::unexpected(std::move(error));
    }
    Opened opened{*reply, {}};
    if (reply->contains("plan") && (*reply)["plan"].is_string()) opened.plan = (*reply)["plan"].get<std::string>();
    return opened;
  }

  Result<Verdict> judge(const Candidate& candidate, Stage stage) override {
    Error last;
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!channel_) {
        if (connection_.fd >= 0) return fail("the judge is gone", "the calling process", "", "environment");
        if (auto again = open(problem_); !again) return std::unexpected(again.error());
      }
      auto reply = ask({{"do", "judge"}, {"candidate", describe_candidate(candidate)}, {"stage", to_text(stage)}},
                       connection_.silence_seconds);
      if (reply) {
        if (candidate.compile_seconds) (*reply)["seconds"]["compile"] = *candidate.compile_seconds;
        return parse_verdict(std::move(*reply));
      }
      last = reply.error();
      if (last.reason == interrupted_reason) return std::unexpected(last);
      if (last.reason != died) return make_verdict(Verdict::Kind::error, last);
      stop();
      last.reason = "environment";
      if (connection_.fd >= 0) return std::unexpected(last);
    }
    return make_verdict(Verdict::Kind::error, last);
  }

  Result<json> profile(const Candidate& candidate) override {
    if (!channel_) return fail("the judge is gone", candidate.name, "", "environment");
    auto reply = ask({{"do", "profile"}, {"candidate", describe_candidate(candidate)}}, connection_.silence_seconds);
    // The next request starts a judge that died here: a profile is never worth the candidate's verdict.
    if (!reply && reply.error().reason == died) stop();
    return reply;
  }

 private:
  static json describe_candidate(const Candidate& candidate) {
    json c = {{"form", candidate.original ? "original" : to_text(candidate.form)}, {"name", candidate.name}};
    if (candidate.original) return c;
    if (candidate.to_beat) c["to_beat"] = *candidate.to_beat;
    switch (candidate.form) {
      case Form::plan:
        c["dir"] = candidate.location.string();
        c["kernels"] = json::object();
        for (const auto& [source, object] : candidate.kernels) c["kernels"][source] = object.string();
        break;
      case Form::recipe: {
        const auto text = read_file(candidate.location);
        c["recipe"] = text ? json::parse(*text, nullptr, false) : json(nullptr);
        break;
      }
      case Form::model_new:
        c["file"] = candidate.location.string();
        break;
    }
    return c;
  }

  Status start() {
    stop();
    if (connection_.fd >= 0) {
      const int copy = ::fcntl(connection_.fd, F_DUPFD_CLOEXEC, 10);
      if (copy < 0) return system_failure("fcntl", "--judge-fd", "start burnish from Python with burnish.optimize()");
      channel_.emplace(Fd(copy));
      return {};
    }
    TRY(sockets, make_socketpair());
    TRY(pipe, make_pipe());
    std::error_code ec;
    std::filesystem::create_directories(connection_.log.parent_path(), ec);
    log_ = Fd(::open(connection_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    SpawnOptions options;
    options.argv = connection_.command;
    options.argv.insert(options.argv.end(), {"--fd", "3"});
    std::vector<std::string> environment;
    for (char** entry = environ; *entry; ++entry) {
      const std::string_view name = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
      const bool replaced = std::any_of(
          connection_.environment.begin(), connection_.environment.end(),
          [&](const std::string& ours) { return std::string_view(ours).substr(0, ours.find('=')) == name; });
      const bool hidden = std::ranges::find(connection_.hidden, name) != connection_.hidden.end();
      if (!replaced && !hidden) environment.emplace_back(*entry);
    }
    environment.insert(environment.end(), connection_.environment.begin(), connection_.environment.end());
    options.env = std::move(environment);
    options.fds = {{pipe.write.get(), 1}, {pipe.write.get(), 2}, {sockets.second.get(), 3}};
    // A judge must not outlive us, whatever kills us.
    options.prepare = []() -> const char* { return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? nullptr : "prctl"; };
    auto started = spawn(options);
    if (!started) {
      started.error().reason = "environment";
      started.error().todo = "set BURNISH_PYTHON to a Python that has torch and burnish; `burnish doctor` says more";
      return std::unexpected(started.error());
    }
    process_ = std::move(*started);
    running_ = true;
    lease_.spare(process_.pid());
    output_ = std::move(pipe.read);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    channel_.emplace(std::move(sockets.first));
    return {};
  }

  void stop() {
    lease_.give();
    channel_.reset();
    if (running_) {
      // The end of its socket tells a judge to go; one that does not is killed. An interrupted user does not wait.
      const auto patience = std::chrono::milliseconds(interrupted() ? 200 : 2000);
      const auto until = Clock::now() + patience;
      while (Clock::now() < until && !process_.poll()) drain(20);
      process_.kill();
      process_.wait();
      drain(0);
      running_ = false;
      lease_.spare(0);
    }
    process_ = {};
    output_.reset();
    log_.reset();
  }

  /// Moves what the judge printed into the log, waiting for it for some milliseconds.
  void drain(int wait_ms) {
    pollfd ready{output_.get(), POLLIN, 0};
    if (::poll(&ready, 1, wait_ms) <= 0) return;
    char bytes[65536];
    const auto n = ::read(output_.get(), bytes, sizeof bytes);
    if (n <= 0) {
      if (n == 0 && wait_ms > 0) ::poll(nullptr, 0, wait_ms);
      return;
    }
    printed_.append(bytes, static_cast<std::size_t>(n));
    if (printed_.size() > 4096) printed_.erase(0, printed_.size() - 4096);
    const auto room = connection_.log_bytes > logged_ ? connection_.log_bytes - logged_ : 0;
    const auto kept = std::min(room, static_cast<std::size_t>(n));
    if (log_ && kept > 0 && ::write(log_.get(), bytes, kept) < 0) log_.reset();
    logged_ += kept;
  }

  bool was_killed() {
    const auto exit = running_ ? process_.poll() : std::nullopt;
    return exit && std::holds_alternative<OutOfMemory>(*exit);
  }

  /// The last line that the judge printed: usually the exception that ended it.
  std::string last_words() const {
    auto text = printed_;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    const auto line = text.rfind('\n');
    text = line == std::string::npos ? text : text.substr(line + 1);
    return text.substr(0, 300);
  }

  Error death() {
    Error error{"the judge's process ended", connection_.log.string(), "see the log", died};
    if (!running_) return error;
    for (int i = 0; i < 50 && !process_.poll(); ++i) drain(20);
    drain(0);
    const auto exit = process_.poll();
    error.what = "the judge's process ended" + (exit ? ": " + describe(*exit) : std::string());
    if (const auto words = last_words(); !words.empty()) error.what += "; its last line: " + words;
    return error;
  }

  /// Sends a request and waits for its reply; events are handled on the way. `silence_s` without any message is a hang.
  Result<json> ask(json request, double silence_s) {
    const int id = ++last_id_;
    json message = {{"id", id}};
    message.update(request);
    if (auto ok = channel_->send(message); !ok) return std::unexpected(death());
    auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(silence_s));
    for (;;) {
      for (;;) {
        auto next = channel_->next();
        if (!next) {
          next.error().reason = died;
          return std::unexpected(next.error());
        }
        if (!*next) break;
        deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(silence_s));
        if ((*next)->contains("event")) {
          on_event(**next);
        } else if ((*next)->value("id", json(nullptr)) == id) {
          return reply_of(**next);
        }  // else: the reply to a request that we gave up
      }
      if (interrupted()) return fail("interrupted", "", "", interrupted_reason);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) {
        return fail(fmt::format("the judge said nothing for {:.0f} s", silence_s), connection_.log.string(),
                    "its process is stopped; see the log", died);
      }
      pollfd ready[3] = {
          {channel_->fd(), POLLIN, 0}, {output_ ? output_.get() : -1, POLLIN, 0}, {interrupt_fd(), POLLIN, 0}};
      ::poll(ready, 3, static_cast<int>(std::min<long>(left, 1000)));
      if (ready[1].revents & POLLIN) drain(0);
      if ((ready[1].revents & (POLLHUP | POLLIN)) == POLLHUP) output_.reset();
      if (ready[0].revents) {
        TRY(alive, channel_->receive());
        if (!alive) return std::unexpected(death());
      }
    }
  }

  void on_event(const json& event) {
    if (event["event"] == "progress") {
      const auto number = [&](const char* key) {
        return event.contains(key) && event[key].is_number() ? event[key].get<double>() : 0.0;
      };
      const auto phase = event.contains("phase") && event["phase"].is_string() ? event["phase"].get<std::string>() : "";
      if (progress_) progress_(phase, number("done"), number("of"));
    } else if (event["event"] == "lease") {
      if (event.value("state", json()) == "take") {
        lease_.take();
        (void)channel_->send({{"event", "lease"}, {"state", "taken"}});  // a dead judge shows itself at the next read
      } else {
        lease_.give();
      }
    }
  }

  Result<json> reply_of(json& reply) {
    lease_.give();
    if (reply.contains("ok") && reply["ok"].is_object()) return std::move(reply["ok"]);
    const auto error = reply.value("error", json::object());
    const auto part = [&](const char* key) {
      return error.contains(key) && error[key].is_string() ? error[key].get<std::string>() : "";
    };
    Error e{part("what"), part("where"), part("todo"), part("reason")};
    if (e.what.empty()) e.what = "the judge gave a reply that cannot be read: " + reply.dump().substr(0, 200);
    if (e.reason.empty()) e.reason = "environment";
    return std::unexpected(std::move(e));
  }

  JudgeConnection connection_;
  JudgeOptions options_;
  std::filesystem::path scratch_;
  Lease& lease_;
  std::function<void(const std::string&, double, double)> progress_;
  ProblemSpec problem_;
  std::optional<LineChannel> channel_;
  Process process_;
  bool running_ = false;
  Fd output_, log_;
  std::string printed_;
  std::size_t logged_ = 0;
  int last_id_ = 0;
};

}  // namespace

std::unique_ptr<Judge> judge_process(JudgeConnection connection, JudgeOptions options, std::filesystem::path scratch,
                                     Lease& lease, std::function<void(const std::string&, double, double)> progress) {
  return std::make_unique<JudgeProcess>(std::move(connection), std::move(options), std::move(scratch), lease,
                                        std::move(progress));
}

}  // namespace burnish
