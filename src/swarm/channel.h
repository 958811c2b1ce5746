#pragma once
#include <optional>
#include <string>

#include "base/json.h"
#include "base/process.h"

namespace burnish {

/// JSON lines over a stream socket, as the judge speaks them. Nothing that arrives is trusted: lines are capped, and
/// what is no JSON object is an error.
class LineChannel {
 public:
  explicit LineChannel(Fd socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.get(); }
  Status send(const json& message);
  /// Reads what is there (call when readable); false at the end of the stream.
  Result<bool> receive();
  /// The next whole message, if one is there.
  Result<std::optional<json>> next();

  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  ///< raw samples of a long run are some megabytes

 private:
  Fd socket_;
  std::string buffer_;
  std::size_t start_ = 0, scanned_ = 0;
};

}  // namespace burnish
