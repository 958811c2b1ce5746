#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace burnish {

/// A failure as a value: what failed, where (file, step, argument, descriptor ...), and what the reader can do next.
/// `reason` is one word of docs/reasons.md where the failure ends a candidate or a problem, else empty.
struct Error {
  std::string what, where, todo, reason;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(std::string what, std::string where = {}, std::string todo = {},
                                   std::string reason = {}) {
  return std::unexpected(Error{std::move(what), std::move(where), std::move(todo), std::move(reason)});
}

/// Puts "place > " before the error's `where`, on its way up.
inline std::unexpected<Error> inside(std::string_view place, Error error) {
  error.where = error.where.empty() ? std::string(place) : std::string(place) + " > " + error.where;
  return std::unexpected(std::move(error));
}

/// One sentence for a person: "what (where): todo".
inline std::string to_text(const Error& e) {
  std::string text = e.what;
  if (!e.where.empty()) text += " (" + e.where + ")";
  if (!e.todo.empty()) text += ": " + e.todo;
  return text;
}

}  // namespace burnish

/// `TRY(name, expression)` declares `name` as the value of a Result, or returns its error. The only macro.
#define TRY(name, ...)                                              \
  auto name##_ = (__VA_ARGS__);                                     \
  if (!name##_) return std::unexpected(std::move(name##_).error()); \
  auto& name = *name##_
