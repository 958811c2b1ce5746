#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>

#include "base/terminal.h"
#include "cli/output.h"
#include "report/pages.h"

namespace burnish {
namespace {

class Progress : public Watcher {
 public:
  explicit Progress(bool json_lines)
      : json_lines_(json_lines), live_(is_terminal(STDERR_FILENO)), colour_(has_colour(STDERR_FILENO)) {}
  ~Progress() override { clear(); }

  void on(const Event& event) override {
    const std::lock_guard lock(mutex_);
    std::visit([this](const auto& e) { draw(e); }, event);
  }

 private:
  void draw(const events::ProblemStarted& e) {
    const auto count = e.of > 1 ? fmt::format("[{}/{}] ", e.index, e.of) : std::string();
    line(paint(count + e.name, Colour::bold, colour_));
    status("opening", 0, 0);
  }

  void draw(const events::ProblemOpened& e) {
    const auto& reply = e.opened.reply;
    const auto eager = reply.value("eager_seconds", json(nullptr));
    std::string text = "  opened";
    if (eager.is_number()) text += ", eager " + seconds_text(eager.get<double>());
    if (e.opened.plan.empty()) text += ", no plan: the module cannot be exported";
    if (reply.value("trivial", json(false)) == true) text += ", trivial: the output hardly depends on the input";
    line(text);
    if (reply.contains("notes") && reply["notes"].is_array())
      for (const auto& note : reply["notes"])
        if (note.is_string()) line(paint("  note: " + note.get<std::string>(), Colour::grey, colour_));
  }

  void draw(const events::Progress& e) {
    if (e.of > 0 || e.done <= 0) return status(e.phase, e.done, e.of);
    // What cannot be counted tells its seconds; where no line is drawn anew, it is said once.
    const auto text = fmt::format("{}, {:.0f} s so far", e.phase, e.done);
    if (!live_ && slow_ != e.phase) line("  " + text);
    slow_ = e.phase;
    status(text, 0, 0);
  }

  void draw(const events::Proposing& e) {
    if (live_) status(fmt::format("{} proposes", e.agent), 0, 0);
  }

  /// Answers arrive while others are judged: the judge's bar has the line then.
  void draw(const events::Writing& e) {
    if (subject_.empty() && std::chrono::steady_clock::now() - last_ > std::chrono::milliseconds(80))
      status(fmt::format("{} writes: {} characters", e.agent, e.characters), 0, 0);
  }

  void draw(const events::Judging& e) {
    slow_.clear();
    subject_ = e.number > 0 ? fmt::format("{}:{} {}", e.agent, e.number, e.name) : e.name;
    if (e.stage == Stage::final) line(fmt::format("  {}: judging the deployed form on fresh inputs", subject_));
    status("judging", 0, 0);
  }

  void draw(const events::Judged& e) {
    const auto who =
        e.number > 0 ? fmt::format("{}:{} {}", e.agent, e.number, e.name) : std::string("original against itself");
    const auto colour = !e.verdict.accepted() ? Colour::yellow : e.verdict.wins() ? Colour::green : Colour::none;
    const auto stage = e.stage == Stage::search ? "" : " [" + to_text(e.stage) + "]";
    line(fmt::format("  {:<34} {}", who + stage, paint(verdict_text(e.verdict), colour, colour_)));
    subject_.clear();
    if (json_lines_) {
      print_json({{"event", "judged"},
                  {"agent", e.agent},
                  {"number", e.number},
                  {"name", e.name},
                  {"stage", to_text(e.stage)},
                  {"verdict", to_text(e.verdict.kind)},
                  {"reason", e.verdict.reason},
                  {"speedup", e.verdict.body["speedup"]},
                  {"interval", e.verdict.body["interval"]}});
    }
  }

  void draw(const events::AgentStopped& e) {
    if (!e.why.empty()) line(paint(fmt::format("  {} stopped: {}", e.agent, e.why), Colour::yellow, colour_));
  }

  void draw(const events::Note& e) { line("  " + e.text); }

  void draw(const events::ProblemFinished& e) {
    const auto& o = e.outcome;
    const bool won = o.value("verdict", "") == "accepted";
    line(won ? paint(fmt::format("  {} wins: {} {}", o.value("winner", ""), speedup_text(o["speedup"]),
                                 interval_text(o["interval"])),
                     Colour::green, colour_)
             : std::string("  the original stays: nothing was faster beyond doubt"));
  }

  void draw(const events::ProblemExcluded& e) {
    line(paint(fmt::format("  excluded ({}): {}", e.error.reason, to_text(e.error)), Colour::yellow, colour_));
  }

  void line(const std::string& text) {
    clear();
    std::fprintf(stderr, "%s\n", text.c_str());
  }

  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

  /// The live line: what is being done, with a bar where the judge counts.
  void status(const std::string& what, double done, double of) {
    if (!live_) return;
    const auto now = std::chrono::steady_clock::now();
    if (drawn_ && of > 0 && done < of && now - last_ < std::chrono::milliseconds(80)) return;
    last_ = now;
    std::string text = "  " + (subject_.empty() ? "" : subject_ + "  ") + what;
    if (of > 0) {
      constexpr int width = 24;
      const int full = static_cast<int>(std::clamp(done / of, 0.0, 1.0) * width);
      std::string bar;
      for (int i = 0; i < width; ++i) bar += i < full ? "█" : "░";
      text += fmt::format("  {} {:.0f}/{:.0f}", bar, done, of);
    }
    if (width_of(text) >= terminal_width()) text = text.substr(0, static_cast<std::size_t>(terminal_width() - 1));
    std::fprintf(stderr, "\r\033[K%s", paint(text, Colour::grey, colour_).c_str());
    std::fflush(stderr);
    drawn_ = true;
  }

  std::mutex mutex_;
  bool json_lines_, live_, colour_;
  bool drawn_ = false;
  std::string subject_, slow_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace

std::unique_ptr<Watcher> make_progress(bool json_lines) {
  return std::make_unique<Progress>(json_lines);
}

}  // namespace burnish
