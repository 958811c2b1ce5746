#include "plan/read_json.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "plan/limits.h"

namespace burnish {
namespace {

/// Where byte `at` of the text is, for people.
std::string position(std::string_view text, std::size_t at) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < at && i < text.size(); ++i) {
    column = text[i] == '\n' ? 1 : column + 1;
    line += text[i] == '\n';
  }
  return fmt::format("line {} col {}", line, column);
}

/// The library's message without its "[json.exception...]" prefix and its own idea of the position.
std::string reason(std::string_view message) {
  if (const auto end = message.find("] "); end != message.npos) message.remove_prefix(end + 2);
  if (message.starts_with("parse error")) {
    if (const auto colon = message.find(": "); colon != message.npos) message.remove_prefix(colon + 2);
  }
  std::string text(message.substr(0, 200));
  // The library quotes the bytes at which it stopped, also where they are no UTF-8.
  for (char& c : text)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  return text;
}

/// Thrown from the parser's callback, the only way to stop it early.
struct Stop {
  std::string what, todo;
};

/// Follows the parser through the text and stops it where a limit is passed or a key comes twice.
class Watch {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= limits::nesting)
        throw Stop{fmt::format("the JSON is nested deeper than {} levels", limits::nesting), "flatten it"};
      if (event == Event::object_start) keys_.emplace_back();
    } else if (event == Event::object_end) {
      keys_.pop_back();
    } else if (event == Event::key) {
      add(parsed.get_ref<const std::string&>());
    }
    return true;
  }

 private:
  void add(const std::string& key) {
    if (!keys_.back().insert(key).second)
      throw Stop{fmt::format("the key '{}' stands twice in one object", key), "keep one"};
    if (keys_.back().size() > limits::keys)
      throw Stop{fmt::format("an object has more than {} keys", limits::keys), ""};
  }

  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

Result<json> read_json(std::string_view text) {
  if (text.size() > limits::file_bytes)
    return fail(fmt::format("the text has {} bytes, more than the limit of {}", text.size(), limits::file_bytes));
  Watch watch;
  try {
    return json::parse(text.begin(), text.end(),
                       [&](int depth, json::parse_event_t event, json& parsed) { return watch(depth, event, parsed); });
  } catch (const Stop& stop) {
    return fail(stop.what, {}, stop.todo);
  } catch (const json::parse_error& e) {
    return fail("this is not JSON: " + reason(e.what()), position(text, e.byte ? e.byte - 1 : 0),
                "mend the syntax there");
  } catch (const json::exception& e) {
    return fail("this JSON cannot be read: " + reason(e.what()));
  }
}

}  // namespace burnish
