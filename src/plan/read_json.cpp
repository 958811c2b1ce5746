#include "plan/read_json.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "plan/limits.h"
#include "plan/names.h"

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

/// Builds the tree from the parser's events and stops it where a limit is passed or a key comes twice. The library's
/// own parser with a callback does as much, but walks a whole list after each of its objects.
class Builder final : public nlohmann::json_sax<json> {
 public:
  json root;
  std::string what, todo;
  std::size_t error_at = 0;  ///< the byte after the token that is wrong, 0 where the error is no matter of syntax

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return stop("bytes are no JSON", {}); }
  bool start_object(std::size_t) override {
    if (!open(json::object())) return false;
    keys_.emplace_back();
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    open_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }
  bool key(string_t& value) override {
    if (!keys_.back().insert(value).second)
      return stop(fmt::format("the key '{}' stands twice in one object", shorten(value)), "keep one");
    if (keys_.back().size() > limits::keys)
      return stop(fmt::format("an object has more than {} keys", limits::keys), {});
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    error_at = position;
    return stop("this is not JSON: " + reason(e.what()), "mend the syntax there");
  }

 private:
  bool stop(std::string why, std::string hint) {
    what = std::move(why), todo = std::move(hint);
    return false;
  }

  /// Puts a value into the list or object that is open; null where the limit is passed.
  json* add(json value) {
    if (++values_ > limits::values) return nullptr;
    if (open_.empty()) return &(root = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
    // key() has seen that the key is new, so the object need not look for it again.
    return &open_.back()->get_ref<json::object_t&>().emplace_back(std::move(key_), std::move(value)).second;
  }

  bool put(json value) {
    return add(std::move(value)) || stop(fmt::format("the JSON has more than {} values", limits::values), {});
  }

  bool open(json value) {
    if (open_.size() >= limits::nesting)
      return stop(fmt::format("the JSON is nested deeper than {} levels", limits::nesting), "flatten it");
    json* added = add(std::move(value));
    if (!added) return stop(fmt::format("the JSON has more than {} values", limits::values), {});
    open_.push_back(added);
    return true;
  }

  std::vector<json*> open_;  ///< a list grows only while it is the last one here, so the pointers hold
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
  std::size_t values_ = 0;
};

}  // namespace

Result<json> read_json(std::string_view text) {
  if (text.size() > limits::file_bytes)
    return fail(fmt::format("the text has {} bytes, more than the limit of {}", text.size(), limits::file_bytes));
  Builder builder;
  if (json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.root);
  const std::string where = builder.error_at ? position(text, builder.error_at - 1) : std::string();
  return fail(std::move(builder.what), where, std::move(builder.todo));
}

}  // namespace burnish
