#pragma once
#include <string>
#include <string_view>

namespace burnish {

/// Server-sent events (html.spec.whatwg.org, "9.2 Server-sent events"), fed by pieces as they arrive.
/// Lines may end in LF, CR LF or CR; several data lines of an event are joined by LF; comments are skipped.
class SseParser {
 public:
  /// Calls `on_event(event name, data)` for every event that `bytes` completes.
  template <class F>
  void feed(std::string_view bytes, F&& on_event) {
    for (const char c : bytes) {
      if (after_cr_ && c == '\n') {
        after_cr_ = false;
        continue;
      }
      after_cr_ = c == '\r';
      if (c != '\n' && c != '\r') {
        if (line_.size() < max_line) line_ += c;
        continue;
      }
      if (line_.empty()) {
        if (has_data_) on_event(std::string_view(event_), std::string_view(data_));
        event_.clear(), data_.clear(), has_data_ = false;
      } else {
        take_line();
      }
      line_.clear();
    }
  }

 private:
  static constexpr std::size_t max_line = 16u << 20;
  void take_line() {
    std::string_view line = line_, name = line, value;
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      name = line.substr(0, colon);
      value = line.substr(colon + 1);
      if (value.starts_with(' ')) value.remove_prefix(1);
    }
    if (name == "event") event_ = value;
    if (name != "data") return;
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
  std::string line_, event_, data_;
  bool has_data_ = false, after_cr_ = false;
};

}  // namespace burnish
